-- One row is one form that a customer filled in. Exact as soon as the insert is done: no repeats, nothing of a deleted
-- customer.
CREATE OR REPLACE VIEW form_submissions AS
SELECT
    stored.workspace AS workspace,
    stored.form_id AS form_id,
    stored.id AS id,
    stored.customer AS customer,
    stored.customer_kind AS customer_kind,  -- id or email
    stored.data AS data,                    -- the exact JSON; it became attributes of the customer
    stored.timestamp AS timestamp,
    stored.received_at AS received_at,
    stored.context AS context               -- JSON: endpoint, ip, user_agent, flags
FROM stored_form_submissions AS stored FINAL
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.customer_kind != 'form'
