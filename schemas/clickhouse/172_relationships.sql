-- One row is one relationship between a person and an object, whichever of them it was said of, and under whatever
-- identifier. Its end clears its attributes, and so does the deletion of one of the two. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW relationships AS
SELECT
    workspace,
    added_under.1 AS customer,    -- the identifier that was used last
    added_under.2 AS customer_kind,
    person,                       -- a `cio_id` of `customers`; empty: nobody's, of somebody anonymous or unknown
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
        person,
        nobody,
        object,
        object_kind,
        maxIf(last, part = 'added') AS added,
        argMaxIf(under, last, part = 'added') AS added_under,
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
            stored.person AS person,
            if(person = '', (stored.customer_kind, stored.customer), ('', '')) AS nobody,
            stored.object AS object,
            stored.object_kind AS object_kind,
            stored.part AS part,
            stored.name AS name,
            -- Versions of the two ends, and of two customers, may be equal.
            max((stored.version, stored.by_object, stored.who, stored.number)) AS last,
            argMax(
                (stored.value, stored.customer, stored.customer_kind),
                (stored.version, stored.by_object, stored.who, stored.number)
            ) AS saying,
            saying.1 AS value,
            (saying.2, saying.3) AS under
        FROM (
            SELECT
                stored.*,
                if(stored.by_object, '', stored.customer_kind || ':' || stored.customer) AS who,
                multiIf(
                    own.founder_hash > 0, own.cio_id,
                    -- What is said of an object brings nobody into being, nor does the end of a relationship.
                    stored.subject_hash NOT IN (SELECT subject_hash FROM seen), '',
                    leftPad(lower(hex(stored.subject_hash)), 32, '0')
                        || trimLeft(lower(hex(bitShiftRight(erased.below, 86))), '0')
                ) AS person
            FROM stored_relationships AS stored FINAL
            LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
            LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
            LEFT ANTI JOIN (SELECT * FROM stored_refusals FINAL WHERE linked_hash = 1 AND since < until) AS refused
                ON stored.subject_hash = refused.subject_hash AND toUInt128(stored.must_exist) = refused.linked_hash
                AND stored.version >= refused.since AND stored.version < refused.until
            LEFT ANTI JOIN erased_subjects AS erased_object
                ON stored.object_hash = erased_object.subject_hash AND stored.version < erased_object.below
            LEFT ANTI JOIN erased_workspaces AS gone
                ON stored.workspace = gone.workspace AND stored.version < gone.version
            WHERE stored.version >= erased.below
            AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
            SETTINGS join_use_nulls = 0
        ) AS stored
        GROUP BY workspace, person, nobody, object, object_kind, part, name
    )
    GROUP BY workspace, person, nobody, object, object_kind
)
WHERE added > deleted
SETTINGS analyzer_inline_views = 1
