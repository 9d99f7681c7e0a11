-- Fills `stored_customers`. Anonymous visitors and invitations are no customers.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_customers TO stored_customers AS
SELECT
    workspace,
    customer,
    customer_kind,
    min(version) AS first_version,
    max(version) AS last_version,
    max(assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject))))
        AS subject_hash
FROM messages
WHERE kind != 'delete' AND customer_kind NOT IN ('anon', 'invite')
GROUP BY workspace, customer, customer_kind
