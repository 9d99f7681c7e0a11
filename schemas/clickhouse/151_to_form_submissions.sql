-- Fills `stored_form_submissions`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_form_submissions TO stored_form_submissions AS
SELECT
    workspace,
    target AS form_id,
    customer,
    customer_kind,
    id,
    data,
    timestamp,
    received_at,
    context,
    version,
    subject_hash
FROM others
WHERE kind = 'form'
