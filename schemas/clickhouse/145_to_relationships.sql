-- Fills `stored_relationships`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_relationships TO stored_relationships AS
SELECT
    workspace,
    if(by_object, other.identifier, others.customer) AS customer,
    if(by_object, other.kind, others.customer_kind) AS customer_kind,
    if(by_object, others.customer, other.identifier) AS object,
    if(by_object, others.customer_kind, other.kind) AS object_kind,
    others.customer_kind IN ('object', 'cio_object') AS by_object,
    said.1 AS part,
    said.2 AS name,
    said.3 AS value,
    -- Of two ends that are one person the last one shows.
    if(part = 'deleted', 0, place) AS number,
    kind = 'identify' AND NOT by_object AND has(others.attributes, ('_update', 'true')) AS must_exist,
    version,
    if(by_object, other.hash, others.subject_hash) AS subject_hash,
    if(by_object, others.subject_hash, other.hash) AS object_hash
FROM others
ARRAY JOIN
    relationships AS other,
    arrayEnumerate(relationships) AS place
ARRAY JOIN if(
    kind = 'delete_relationships',
    [('deleted', '', '')],
    arrayPushFront(arrayMap(pair -> ('attribute', pair.1, pair.2), other.attributes), ('added', '', ''))
) AS said
-- Two customers, or two objects, have no relationship.
WHERE (other.kind IN ('object', 'cio_object')) != by_object
