-- Fills `stored_attributes`: of customers and objects. What a customer put into a form is said of that customer.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_attributes TO stored_attributes AS
SELECT
    workspace,
    customer,
    customer_kind,
    attribute.1 AS name,
    attribute.2 AS value,
    version,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
ARRAY JOIN attributes AS attribute
WHERE kind = 'identify' OR (kind = 'form' AND customer_kind NOT IN ('anon', 'invite', 'form'))
