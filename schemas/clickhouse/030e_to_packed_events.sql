-- Fills `packed_events`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_packed_events TO packed_events AS
WITH toInt64(round(messages.timestamp * 1000)) AS happened_at
SELECT
    workspace,
    customer,
    customer_kind,
    id,
    client_id,
    kind,
    name,
    -- 2010-01-01 to 2040-01-01
    toDateTime(if(messages.filed_at >= 1262304000 AND messages.filed_at < 2208988800, toUInt32(messages.filed_at), 0), 'UTC')
        AS filed_at,
    happened_at - toUnixTimestamp(filed_at) * 1000 AS happened,
    sent_timestamp,
    toInt64(round(messages.received_at * 1000)) - happened_at AS delay,
    data,
    context,
    toUInt128(version - bitShiftLeft(bitShiftRight(version, 86), 44)) AS place,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
WHERE kind IN ('event', 'page', 'screen')
