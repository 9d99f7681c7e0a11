-- One row is one device: a token belongs to one customer, the one that was last given it, until it is taken from them. Who
-- had it before can no longer take it away. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW devices AS
SELECT
    workspace,
    last.customer AS customer,
    last.customer_kind AS customer_kind,
    token,
    last.platform AS platform,
    last.last_used_at AS last_used_at,
    mapFromArrays(
        last.pairs.1,
        arrayMap(value -> if(startsWith(value, '"'), JSONExtractString(value), value), last.pairs.2)
    ) AS attributes,                     -- as last given; strings without their quotes, everything else as its JSON text
    '{' || arrayStringConcat(
        arrayMap((name, value) -> toJSONString(name) || ':' || value, last.pairs.1, last.pairs.2), ','
    ) || '}' AS attributes_json,         -- one JSON object of the exact values, sorted by name
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(last.version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        stored.workspace AS workspace,
        stored.token AS token,
        -- Versions of two customers may be equal.
        argMaxIf(
            CAST(
                (
                    stored.customer,
                    stored.customer_kind,
                    stored.platform,
                    stored.last_used_at,
                    arraySort(arrayFilter(pair -> pair.2 NOT IN ('null', '""'), stored.attributes)),
                    stored.version
                ),
                'Tuple(customer String, customer_kind String, platform String, last_used_at DateTime64(3, \'UTC\'),
                pairs Array(Tuple(String, String)), version UInt128)'
            ),
            (stored.version, stored.customer_kind, stored.customer),
            stored.kind = 'add_device'
        ) AS last,
        groupArrayIf(
            (stored.customer, stored.customer_kind, stored.version), stored.kind = 'delete_device'
        ) AS deletions
    FROM stored_devices AS stored FINAL
    LEFT ANTI JOIN erased_subjects AS erased
        ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON stored.workspace = gone.workspace AND stored.version < gone.version
    GROUP BY workspace, token
)
WHERE last.version > 0 AND NOT arrayExists(
    deletion -> deletion.1 = last.customer AND deletion.2 = last.customer_kind AND deletion.3 > last.version, deletions
)
