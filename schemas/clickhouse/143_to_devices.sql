-- Fills `stored_devices`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_devices TO stored_devices AS
SELECT
    workspace,
    target AS token,
    customer,
    customer_kind,
    kind,
    name AS platform,
    timestamp AS last_used_at,
    attributes,
    version,
    subject_hash
FROM others
WHERE kind IN ('add_device', 'delete_device')
