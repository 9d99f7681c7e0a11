-- Fills `stored_deliveries`. A text goes without its quotes, all else as its JSON text.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_deliveries TO stored_deliveries AS
WITH mapFromArrays(
    attributes.1,
    arrayMap(value -> multiIf(startsWith(value, '"'), JSONExtractString(value), value = 'null', '', value), attributes.2)
) AS details
SELECT
    workspace,
    customer AS delivery_id,
    name AS metric,
    details['recipient'] AS recipient,
    timestamp,
    sent_timestamp,
    details['reason'] AS reason,
    details['href'] AS href,
    details['device_id'] AS device_id,
    id,
    received_at,
    version,
    subject_hash,
    recipient_hash
FROM others
WHERE kind = 'metric'
