-- Fills `stored_identifies`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_identifies TO stored_identifies AS
SELECT
    workspace,
    customer,
    customer_kind,
    version
FROM messages
WHERE kind = 'identify'
