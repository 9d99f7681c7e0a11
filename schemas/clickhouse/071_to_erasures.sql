-- Fills `erasures`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_erasures TO erasures AS
SELECT
    workspace,
    customer,
    customer_kind,
    version,
    id,
    fromUnixTimestamp64Milli(toInt64(round(received_at * 1000)), 'UTC') AS requested_at
FROM messages
WHERE kind = 'delete'
