-- Fills `stored_customers`: with whom or what a message brings into being, also an object. Somebody anonymous is a customer
-- once it was identified, and never for an event. `_update` brings nobody into being. A `cio_id` is no customer by itself:
-- whoever reads leaves it out, or finds out whose it is.
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
WHERE (
    kind = 'identify' AND (NOT has(attributes, ('_update', 'true')) OR customer_kind IN ('object', 'cio_object'))
) OR (
    kind IN ('event', 'page', 'screen', 'add_device', 'add_relationships', 'form')
    AND customer_kind NOT IN ('anon', 'invite', 'form')
)
GROUP BY workspace, customer, customer_kind
