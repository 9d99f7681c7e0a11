-- Fills `stored_identified`: as `to_customers` does for somebody anonymous.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_identified TO stored_identified AS
SELECT
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
        (SELECT (k0, k1) FROM erasure_key), messages.workspace || '\0' || subject
    ))) AS subject_hash,
    any(messages.workspace) AS workspace,
    max(version) AS last_version
FROM messages
WHERE kind = 'identify' AND customer_kind = 'anon' AND NOT has(attributes, ('_update', 'true'))
GROUP BY subject_hash
