-- One row is one customer or object as of now: who was not deleted, or came back since. `customers` and `objects` show them.
CREATE OR REPLACE VIEW subjects AS
SELECT
    seen.workspace AS workspace,
    seen.customer AS customer,
    seen.customer_kind AS customer_kind,
    seen.subject_hash AS subject_hash,    -- see `erasure_key`
    known.attributes AS attributes,       -- strings without their quotes, everything else as its JSON text
    '{' || known.members || '}' AS attributes_json,  -- one JSON object of the exact values, sorted by name
    fromUnixTimestamp64Milli(
        toInt64(bitShiftRight(if(returned.first_version > 0, returned.first_version, seen.first_version), 86)), 'UTC'
    ) AS first_seen_at,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(seen.last_version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        workspace,
        customer,
        customer_kind,
        min(first_version) AS first_version,
        max(last_version) AS last_version,
        max(subject_hash) AS subject_hash
    FROM stored_customers
    GROUP BY workspace, customer, customer_kind
) AS seen
LEFT ANTI JOIN erased_subjects AS erased
    ON seen.subject_hash = erased.subject_hash AND seen.last_version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON seen.workspace = gone.workspace AND seen.last_version < gone.version
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
    WHERE stored.value NOT IN ('null', '""')
    GROUP BY workspace, customer, customer_kind
) AS known
    ON seen.workspace = known.workspace AND seen.customer = known.customer AND seen.customer_kind = known.customer_kind
LEFT JOIN
(
    -- Of those who were deleted, or whose workspace was, and came back: their first message since.
    SELECT since.subject_hash AS subject_hash, min(since.version) AS first_version
    FROM
    (
        SELECT subject_hash, version
        FROM stored_identifies
        WHERE (workspace, customer, customer_kind) IN (
            SELECT workspace, customer, customer_kind
            FROM stored_customers
            WHERE subject_hash IN (SELECT subject_hash FROM stored_erasures)
            OR workspace IN (SELECT workspace FROM erased_workspaces)
        )
        UNION ALL
        SELECT subject_hash, version
        FROM stored_events FINAL
        WHERE customer_kind NOT IN ('anon', 'invite') AND (workspace, customer, customer_kind) IN (
            SELECT workspace, customer, customer_kind
            FROM stored_customers
            WHERE subject_hash IN (SELECT subject_hash FROM stored_erasures)
            OR workspace IN (SELECT workspace FROM erased_workspaces)
        )
    ) AS since
    INNER JOIN
    (
        SELECT subject_hash, max(version) AS version
        FROM
        (
            SELECT subject_hash, below AS version FROM erased_subjects
            UNION ALL
            SELECT known.subject_hash AS subject_hash, gone.version AS version
            FROM stored_customers AS known
            INNER JOIN erased_workspaces AS gone ON known.workspace = gone.workspace
        )
        GROUP BY subject_hash
    ) AS erased
        ON since.subject_hash = erased.subject_hash
    WHERE since.version >= erased.version
    GROUP BY subject_hash
) AS returned
    ON seen.subject_hash = returned.subject_hash
SETTINGS join_use_nulls = 0
