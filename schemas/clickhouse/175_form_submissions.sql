-- One row is one form that a customer filled in. Exact as soon as the insert is done: no repeats, nothing of a deleted
-- customer.
CREATE OR REPLACE VIEW form_submissions AS
SELECT
    stored.workspace AS workspace,
    stored.form_id AS form_id,
    stored.id AS id,
    stored.customer AS customer,
    stored.customer_kind AS customer_kind,  -- id, email or cio
    stored.data AS data,                    -- the exact JSON; it became attributes of the customer
    stored.timestamp AS timestamp,
    stored.received_at AS received_at,
    stored.context AS context,              -- JSON: endpoint, ip, user_agent, flags
    -- Whose it is as of now, a `cio_id` of `customers`; empty: nobody's.
    multiIf(
        own.founder_hash > 0, own.cio_id,
        stored.customer_kind = 'anon' AND (named.last_version = 0 OR named.last_version < erased.below), '',
        leftPad(lower(hex(stored.subject_hash)), 32, '0') || trimLeft(lower(hex(bitShiftRight(erased.below, 86))), '0')
    ) AS person
FROM stored_form_submissions AS stored FINAL
LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
LEFT ANY JOIN identified AS named ON stored.subject_hash = named.subject_hash
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.customer_kind != 'form'
AND stored.version >= erased.below AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
