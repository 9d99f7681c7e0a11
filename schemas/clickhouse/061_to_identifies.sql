-- Fills `stored_identifies`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_identifies TO stored_identifies AS
SELECT
    workspace,
    customer,
    customer_kind,
    version,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
WHERE kind = 'identify'
