-- One row is one preference of one customer: `topics.topic_1` of the attribute `cio_subscription_preferences`. That is
-- written as a whole, or a part of it under a dotted name; what is written replaces all that was at or below its name, and
-- a plain value above it. Exact as soon as the insert is done.
CREATE OR REPLACE VIEW subscription_preferences AS
SELECT
    workspace,
    customer,
    customer_kind,
    substring(leaf.1, length('cio_subscription_preferences.') + 1) AS preference,
    leaf.2 AS value,  -- the exact JSON
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        stored.workspace AS workspace,
        stored.customer AS customer,
        stored.customer_kind AS customer_kind,
        stored.version AS version,
        -- In one message the longer name counts as written later.
        (stored.version, length(stored.name)) AS place,
        groupArray((stored.version, length(stored.name), stored.name)) OVER (PARTITION BY workspace, customer, customer_kind)
            AS writes,
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
    FROM stored_attributes AS stored FINAL
    LEFT ANTI JOIN erased_subjects AS erased
        ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON stored.workspace = gone.workspace AND stored.version < gone.version
    WHERE stored.name = 'cio_subscription_preferences' OR startsWith(stored.name, 'cio_subscription_preferences.')
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
