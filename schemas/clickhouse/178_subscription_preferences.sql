-- One row is one preference of one person: `topics.topic_1` of the attribute `cio_subscription_preferences`. That is
-- written as a whole, or a part of it under a dotted name; what is written replaces all that was at or below its name, and
-- a plain value above it. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW subscription_preferences AS
SELECT
    workspace,
    customer,         -- the identifier that was used
    customer_kind,
    person,           -- a `cio_id` of `customers`; empty: nobody's, of somebody anonymous
    substring(leaf.1, length('cio_subscription_preferences.') + 1) AS preference,
    leaf.2 AS value,  -- the exact JSON
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        stored.workspace AS workspace,
        stored.customer AS customer,
        stored.customer_kind AS customer_kind,
        leftPad(lower(hex(stored.founder_hash)), 32, '0') || trimLeft(lower(hex(stored.life)), '0') AS person,
        stored.version AS version,
        -- In one message the longer name counts as written later.
        (stored.version, length(stored.name)) AS place,
        groupArray((stored.version, length(stored.name), stored.name)) OVER (PARTITION BY founder_hash, life) AS writes,
        extractAll(stored.value, '"(?:[^"\\\\]|\\\\.)*"|[][{}:,]|\\s+|[^][{}:,"\\s]+') AS tokens,
        -- Walks through the tokens. names: of the objects it is in, and of the member; depth: of arrays it is in, whose text
        -- is one value; is_value: a member's name is past; leaves: name and text of all that is no object.
        arrayFold(
            (walk, token) -> multiIf(
                walk.2 > 0, (
                    walk.1,
                    toInt64(walk.2 + (token = '[') - (token = ']')),
                    walk.3,
                    arrayPushBack(arrayPopBack(walk.4), (walk.4[-1].1, walk.4[-1].2 || token))
                ),
                token = '{', (arrayPushBack(walk.1, ''), toInt64(0), toUInt8(0), walk.4),
                token = '}', (arrayPopBack(walk.1), toInt64(0), toUInt8(1), walk.4),
                token = ',', (walk.1, toInt64(0), toUInt8(0), walk.4),
                token = ':', (walk.1, toInt64(0), toUInt8(1), walk.4),
                match(token, '^\\s'), walk,
                walk.3 = 0, (
                    arrayPushBack(arrayPopBack(walk.1), JSONExtractString(token)), toInt64(0), toUInt8(0), walk.4
                ),
                (walk.1, toInt64(token = '['), toUInt8(1), arrayPushBack(walk.4, (arrayStringConcat(walk.1, '.'), token)))
            ),
            tokens,
            (CAST([toString(stored.name)], 'Array(String)'), toInt64(0), toUInt8(1), CAST([], 'Array(Tuple(String, String))'))
        ).4 AS leaves
    FROM
    (
        SELECT
            *,
            (version, customer_kind, customer) AS written,  -- versions of two customers may be equal
            -- Of each name the values that were not replaced before the mergers, see `attributes_of`.
            arrayFilter(
                (one, all) -> NOT arrayExists(
                    later -> (later.1 = one.1 AND later.2 > one.2) OR (
                        length(later.1) < length(one.1)
                        AND arraySlice(one.1, 1, length(later.1)) = later.1
                        AND later.2.1 >= one.1[length(later.1) + 1]
                    ),
                    all
                ),
                groupArray((absorbed, written, value)) OVER same AS others,
                arrayMap(other -> others, others)
            ) AS lasting,
            arraySort(arrayFilter(one -> one.3 NOT IN ('null', '""'), lasting))[1] AS value_of_it
        FROM said_attributes
        WHERE name = 'cio_subscription_preferences' OR startsWith(name, 'cio_subscription_preferences.')
        WINDOW same AS (PARTITION BY founder_hash, life, name)
    ) AS stored
    WHERE if(
        value_of_it.3 = '',
        empty(stored.absorbed) AND has(stored.lasting, (stored.absorbed, stored.written, stored.value)),
        (stored.absorbed, stored.written, stored.value) = value_of_it
    )
)
ARRAY JOIN
    leaves AS leaf,
    arrayEnumerate(leaves) AS number
WHERE startsWith(leaf.1, 'cio_subscription_preferences.') AND leaf.2 NOT IN ('null', '""')
AND number = arrayLastIndex(other -> other.1 = leaf.1, leaves)
AND NOT arrayExists(
    write -> (write.1, write.2) > place
        AND (startsWith(leaf.1 || '.', write.3 || '.') OR startsWith(write.3 || '.', leaf.1 || '.')),
    writes
)
SETTINGS analyzer_inline_views = 1
