-- One row is one object as of now: what was not deleted, or came back since. `objects` shows them.
CREATE OR REPLACE VIEW subjects AS
SELECT
    seen.workspace AS workspace,
    seen.customer AS customer,
    seen.customer_kind AS customer_kind,
    seen.subject_hash AS subject_hash,    -- see `erasure_key`
    known.attributes AS attributes,       -- strings without their quotes, everything else as its JSON text
    '{' || known.members || '}' AS attributes_json,  -- one JSON object of the exact values, sorted by name
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(seen.first_version, 86)), 'UTC') AS first_seen_at,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(seen.last_version, 86)), 'UTC') AS updated_at
FROM seen AS seen
LEFT JOIN
(
    SELECT
        stored.workspace AS workspace,
        stored.customer AS customer,
        stored.customer_kind AS customer_kind,
        arraySort(groupArray((stored.name, stored.value))) AS pairs,
        mapFromArrays(
            pairs.1,
            arrayMap(value -> if(startsWith(value, '"'), JSONExtractString(value), value), pairs.2)
        ) AS attributes,
        arrayStringConcat(arrayMap((name, value) -> toJSONString(name) || ':' || value, pairs.1, pairs.2), ',') AS members
    FROM stored_attributes AS stored FINAL
    LEFT ANTI JOIN erased_subjects AS erased
        ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON stored.workspace = gone.workspace AND stored.version < gone.version
    WHERE stored.value NOT IN ('null', '""') AND stored.customer_kind IN ('object', 'cio_object')
    GROUP BY workspace, customer, customer_kind
) AS known
    ON seen.workspace = known.workspace AND seen.customer = known.customer AND seen.customer_kind = known.customer_kind
WHERE seen.customer_kind IN ('object', 'cio_object')
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
