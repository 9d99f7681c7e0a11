-- Fills `stored_attributes`: of customers and objects. What a customer put into a form is said of that customer.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_attributes TO stored_attributes AS
WITH
    -- The identifier that the value is, if it can be one.
    if(
        empty(links) OR attribute.1 NOT IN ('id', 'email', 'phone', 'anonymous_id'),
        '',
        arrayFirst(
            link -> startsWith(link, if(attribute.1 = 'anonymous_id', 'anon', attribute.1) || ':'), messages.links
        )
    ) AS link
SELECT
    workspace,
    customer,
    customer_kind,
    attribute.1 AS name,
    attribute.2 AS value,
    if(
        link = '',
        toUInt128(has(attributes, ('_update', 'true')) AND customer_kind NOT IN ('object', 'cio_object')),
        assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || link)))
    ) AS linked_hash,
    version,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash
FROM messages
ARRAY JOIN attributes AS attribute
WHERE (kind = 'identify' OR (kind = 'form' AND customer_kind NOT IN ('anon', 'invite', 'form')))
AND (attribute.1 != '_update' OR customer_kind IN ('object', 'cio_object'))
