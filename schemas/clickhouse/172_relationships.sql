-- One row is one relationship between a customer and an object, whichever of them it was said of. Its end clears its
-- attributes, and so does the deletion of one of the two. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW relationships AS
SELECT
    workspace,
    customer,
    customer_kind,
    if(object_kind = 'object', decodeURLComponent(substringIndex(object, '/', 1)), '') AS object_type_id,
    if(object_kind = 'object', substring(object, position(object, '/') + 1), '') AS object_id,
    if(object_kind = 'object', '', object) AS cio_object_id,  -- of one that was named by it
    mapFromArrays(
        pairs.1,
        arrayMap(value -> if(startsWith(value, '"'), JSONExtractString(value), value), pairs.2)
    ) AS attributes,              -- strings without their quotes, everything else as its JSON text
    '{' || arrayStringConcat(arrayMap((name, value) -> toJSONString(name) || ':' || value, pairs.1, pairs.2), ',') || '}'
        AS attributes_json,       -- one JSON object of the exact values, sorted by name
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(added.1, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        workspace,
        customer,
        customer_kind,
        object,
        object_kind,
        maxIf(last, part = 'added') AS added,
        maxIf(last, part = 'deleted') AS deleted,
        arraySort(arrayMap(
            row -> (row.1, row.2),
            arrayFilter(
                row -> row.3 > deleted AND row.2 NOT IN ('null', '""'),
                groupArrayIf((name, value, last), part = 'attribute')
            )
        )) AS pairs
    FROM
    (
        SELECT
            stored.workspace AS workspace,
            stored.customer AS customer,
            stored.customer_kind AS customer_kind,
            stored.object AS object,
            stored.object_kind AS object_kind,
            stored.part AS part,
            stored.name AS name,
            -- Versions of the two ends may be equal.
            max((stored.version, stored.by_object, stored.number)) AS last,
            argMax(stored.value, (stored.version, stored.by_object, stored.number)) AS value
        FROM stored_relationships AS stored FINAL
        LEFT ANTI JOIN erased_subjects AS erased
            ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
        LEFT ANTI JOIN erased_subjects AS erased_object
            ON stored.object_hash = erased_object.subject_hash AND stored.version < erased_object.below
        LEFT ANTI JOIN erased_workspaces AS gone
            ON stored.workspace = gone.workspace AND stored.version < gone.version
        GROUP BY workspace, customer, customer_kind, object, object_kind, part, name
    )
    GROUP BY workspace, customer, customer_kind, object, object_kind
)
WHERE added > deleted
