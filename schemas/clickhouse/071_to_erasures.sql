-- Fills `erasures`. A suppression deletes too.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_erasures TO erasures AS
SELECT
    workspace,
    customer,
    customer_kind,
    version,
    id,
    fromUnixTimestamp64Milli(toInt64(round(received_at * 1000)), 'UTC') AS requested_at,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
WHERE kind IN ('delete', 'suppress')
