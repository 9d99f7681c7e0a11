-- Fills `stored_erasures`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_stored_erasures TO stored_erasures AS
SELECT
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash,
    version,
    kind,
    workspace,
    id,
    fromUnixTimestamp64Milli(toInt64(round(received_at * 1000)), 'UTC') AS requested_at,
    now64(3, 'UTC') AS hidden_at
FROM messages
WHERE kind IN ('delete', 'suppress', 'unsuppress')
