-- One row is one customer as of now: who was not deleted, or came back since. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW customers AS
SELECT
    seen.workspace AS workspace,
    seen.customer AS customer,
    seen.customer_kind AS customer_kind,  -- id, email or cio
    if(seen.customer_kind = 'email' AND NOT mapContains(known.attributes, 'email'), seen.customer, known.attributes['email'])
        AS email,
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
        max(last_version) AS last_version
    FROM stored_customers
    GROUP BY workspace, customer, customer_kind
) AS seen
LEFT ANTI JOIN erasures AS erased
    ON seen.workspace = erased.workspace
    AND seen.customer = erased.customer
    AND seen.customer_kind = erased.customer_kind
    AND seen.last_version < erased.version
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
    LEFT ANTI JOIN erasures AS erased
        ON stored.workspace = erased.workspace
        AND stored.customer = erased.customer
        AND stored.customer_kind = erased.customer_kind
        AND stored.version < erased.version
    WHERE stored.value NOT IN ('null', '""')
    GROUP BY workspace, customer, customer_kind
) AS known
    ON seen.workspace = known.workspace AND seen.customer = known.customer AND seen.customer_kind = known.customer_kind
LEFT JOIN
(
    -- Of those who were deleted and came back: their first message since.
    SELECT
        since.workspace AS workspace,
        since.customer AS customer,
        since.customer_kind AS customer_kind,
        min(since.version) AS first_version
    FROM
    (
        SELECT workspace, customer, customer_kind, version
        FROM stored_identifies
        WHERE (workspace, customer, customer_kind) IN (SELECT workspace, customer, customer_kind FROM erasures)
        UNION ALL
        SELECT workspace, customer, customer_kind, version
        FROM stored_events FINAL
        WHERE (workspace, customer, customer_kind) IN (SELECT workspace, customer, customer_kind FROM erasures)
    ) AS since
    INNER JOIN
    (
        SELECT workspace, customer, customer_kind, max(version) AS version
        FROM erasures
        GROUP BY workspace, customer, customer_kind
    ) AS erased
        ON since.workspace = erased.workspace
        AND since.customer = erased.customer
        AND since.customer_kind = erased.customer_kind
    WHERE since.version > erased.version
    GROUP BY workspace, customer, customer_kind
) AS returned
    ON seen.workspace = returned.workspace
    AND seen.customer = returned.customer
    AND seen.customer_kind = returned.customer_kind
SETTINGS join_use_nulls = 0
