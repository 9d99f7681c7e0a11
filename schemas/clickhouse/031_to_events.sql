-- Fills `stored_events`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_events TO stored_events AS
SELECT
    workspace,
    customer,
    customer_kind,
    id,
    client_id,
    kind,
    name,
    fromUnixTimestamp64Milli(toInt64(round(messages.timestamp * 1000)), 'UTC') AS timestamp,
    sent_timestamp,
    -- 2010-01-01 to 2040-01-01
    toDateTime(if(messages.filed_at >= 1262304000 AND messages.filed_at < 2208988800, toUInt32(messages.filed_at), 0), 'UTC')
        AS filed_at,
    fromUnixTimestamp64Milli(toInt64(round(messages.received_at * 1000)), 'UTC') AS received_at,
    data,
    context,
    version,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
WHERE kind IN ('event', 'page', 'screen')
