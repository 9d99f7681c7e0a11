-- One row is one person as of now, under whatever identifiers: who was not deleted, or came back since. Exact as soon as the
-- insert is done, but for who is whom: that follows within two seconds, see `resolutions`.
CREATE OR REPLACE VIEW customers AS
SELECT
    workspace,
    leftPad(lower(hex(founder_hash)), 32, '0') || trimLeft(lower(hex(life)), '0')
        AS cio_id,                     -- ours, and stays the same; a path names it as cio_…
    substring(founder, position(founder, ':') + 1)
        AS customer,                   -- the identifier under which it was first known
    substring(founder, 1, position(founder, ':') - 1)
        AS customer_kind,              -- id, email or phone; anon, of somebody anonymous who was identified
    if(
        mapContains(attributes, 'email'),
        attributes['email'],
        substring(arrayLast(identifier -> startsWith(identifier, 'email:'), identifiers), length('email:') + 1)
    ) AS email,                        -- the attribute; without it the identifier that came last
    arrayPushFront(arrayFilter(identifier -> identifier != founder, joined.2), founder)
        AS identifiers,                -- all, as kind:identifier, in the order in which they became its own
    mapFromArrays(
        pairs.1,
        -- As in `attributes`.
        arrayMap(
            value -> if(
                position(value, '\\') = 0,
                trim(BOTH '"' FROM value),
                if(startsWith(value, '"'), JSONExtractString(value), value)
            ),
            pairs.2
        )
    ) AS attributes,                   -- a map; strings without their quotes, everything else as its JSON text
    '{' || arrayStringConcat(arrayMap((name, value) -> toJSONString(name) || ':' || value, pairs.1, pairs.2), ',') || '}'
        AS attributes_json,            -- one JSON object of the exact values, sorted by name
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(first_version, 86)), 'UTC') AS first_seen_at,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(last_version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        founder_hash,
        life,
        anyIf(one.workspace, one.part = 'founder') AS workspace,
        anyIf(one.key, one.part = 'founder') AS founder,
        minIf(one.version, one.part IN ('founder', 'member')) AS first_version,
        max(one.last_version) AS last_version,
        -- Of those who came with another person, when that one did, and the one before it, and when they had joined it.
        arraySort(groupArrayIf((arrayPushBack(one.absorbed, one.version), one.key), one.part = 'identifier')) AS joined
    FROM
    (
        SELECT
            -- By a `cio_id` nobody comes into being.
            multiIf(node.customer_kind = 'cio', 'named', own.founder_hash > 0, 'member', 'founder') AS part,
            if(own.founder_hash > 0, own.founder_hash, node.subject_hash) AS founder_hash,
            if(own.founder_hash > 0, own.life, node.life) AS life,
            node.workspace AS workspace,
            node.customer_kind || ':' || node.customer AS key,
            CAST([], 'Array(UInt128)') AS absorbed,
            node.first_version AS version,
            node.last_version AS last_version
        FROM seen AS node
        LEFT ANY JOIN overrides AS own ON node.subject_hash = own.subject_hash
        WHERE node.customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
        AND (node.customer_kind != 'cio' OR own.founder_hash > 0 AND node.last_version >= own.joined)
        UNION ALL
        SELECT 'identifier', founder_hash, life, '', customer_kind || ':' || customer, absorbed, joined, toUInt128(0)
        FROM stored_people FINAL
        WHERE founder_hash > 0 AND customer_kind IN ('id', 'email', 'phone', 'anon')
    ) AS one
    GROUP BY founder_hash, life
    HAVING max(one.part = 'founder')
) AS people
-- Joined: an aggregate function would take each value of all these arrays in its hands.
LEFT ANY JOIN attributes_of AS said ON people.founder_hash = said.founder_hash AND people.life = said.life
-- As in `events`.
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
