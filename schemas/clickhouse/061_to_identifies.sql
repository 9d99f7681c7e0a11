-- Fills `stored_identifies`: with all that goes to `stored_customers` and is no event.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_identifies TO stored_identifies AS
SELECT
    workspace,
    customer,
    customer_kind,
    version,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
WHERE (
    kind = 'identify' AND (NOT has(attributes, ('_update', 'true')) OR customer_kind IN ('object', 'cio_object'))
) OR (
    kind IN ('add_device', 'add_relationships', 'form') AND customer_kind NOT IN ('anon', 'invite', 'form')
)
