-- One row is one attribute of one person as of now: what the maps of `customers` hold, where one name of everybody's is asked
-- for, which is ten times as fast. Exact as soon as the insert is done. The rule is that of `attributes_of`.
CREATE OR REPLACE VIEW attributes AS
SELECT
    workspace,
    leftPad(lower(hex(founder_hash)), 32, '0') || trimLeft(lower(hex(life)), '0') AS person,  -- a `cio_id` of `customers`
    name,
    if(startsWith(value_json, '"'), JSONExtractString(value_json), value_json)
        AS value,   -- strings without their quotes, everything else as its JSON text
    if(empty(merged), last, arrayFirst(
        top -> top.3 NOT IN ('null', '""') AND NOT arrayExists(
            -- It took the former one in, and has been written since.
            other -> length(other.1) < length(top.1)
                AND arraySlice(top.1, 1, length(other.1)) = other.1
                AND other.2.1 >= top.1[length(other.1) + 1],
            merged
        ),
        merged
    ).3) AS value_json  -- the exact text
FROM
(
    SELECT
        workspace,
        founder_hash,
        life,
        name,
        founder_hash IN (SELECT founder_hash FROM overrides WHERE notEmpty(absorbed)) AS is_merged,
        -- Versions of two customers may be equal.
        argMaxIf(said.value, (said.version, said.customer_kind, said.customer), NOT is_merged) AS last,
        -- Who took in before whom they took in, the last that was said before what was said before it.
        arrayReverseSort(
            one -> (
                arrayPushBack(
                    arrayMap(merger -> toUInt128('340282366920938463463374607431768211455') - merger, one.1),
                    toUInt128('340282366920938463463374607431768211455')
                ),
                one.2
            ),
            groupArrayIf((said.absorbed, (said.version, said.customer_kind, said.customer), said.value), is_merged)
        ) AS said_of_merged,
        arrayFilter((one, number) -> number = 1, said_of_merged, arrayEnumerateUniq(said_of_merged.1)) AS merged
    FROM said_attributes AS said
    GROUP BY workspace, founder_hash, life, name
)
WHERE value_json NOT IN ('', 'null', '""')
SETTINGS analyzer_inline_views = 1
