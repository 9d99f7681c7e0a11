-- One row is one device: a token belongs to one person, the one that was last given it, until it is taken from them, under
-- whatever identifier. Who had it before can no longer take it away. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW devices AS
SELECT
    workspace,
    last.customer AS customer,
    last.customer_kind AS customer_kind,
    last.person AS person,               -- a `cio_id` of `customers`; empty: nobody's, of somebody anonymous
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
                    stored.person,
                    stored.platform,
                    stored.last_used_at,
                    arraySort(arrayFilter(pair -> pair.2 NOT IN ('null', '""'), stored.attributes)),
                    stored.version
                ),
                'Tuple(customer String, customer_kind String, person String, platform String, last_used_at DateTime64(3, \'UTC\'),
                pairs Array(Tuple(String, String)), version UInt128)'
            ),
            (stored.version, stored.customer_kind, stored.customer),
            stored.kind = 'add_device'
        ) AS last,
        groupArrayIf(
            (stored.customer, stored.customer_kind, stored.person, stored.version), stored.kind = 'delete_device'
        ) AS deletions
    FROM (
        SELECT
            stored.*,
            multiIf(
                own.founder_hash > 0, own.cio_id,
                stored.customer_kind = 'anon' AND (named.last_version = 0 OR named.last_version < erased.below), '',
                leftPad(lower(hex(stored.subject_hash)), 32, '0') || trimLeft(lower(hex(bitShiftRight(erased.below, 86))), '0')
            ) AS person
        FROM stored_devices AS stored FINAL
        LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
        LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
        LEFT ANY JOIN identified AS named ON stored.subject_hash = named.subject_hash
        LEFT ANTI JOIN erased_workspaces AS gone
            ON stored.workspace = gone.workspace AND stored.version < gone.version
        WHERE stored.version >= erased.below
        AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
        SETTINGS join_use_nulls = 0
    ) AS stored
    GROUP BY workspace, token
)
WHERE last.version > 0 AND NOT arrayExists(
    deletion -> deletion.4 > last.version AND if(
        last.person = '', (deletion.1, deletion.2) = (last.customer, last.customer_kind), deletion.3 = last.person
    ),
    deletions
)
SETTINGS analyzer_inline_views = 1
