-- One row is what one person is said to be, in `pairs` of names and exact JSON texts, sorted by name. The last write wins.
-- Where persons became one, the one that took the other in keeps what it had set, and gains what it lacked: from then on the
-- last write under any of their identifiers wins.
CREATE OR REPLACE VIEW attributes_of AS
SELECT
    founder_hash,
    life,
    -- By name: the last that was said of each of those who became one, whoever took in before whom they took in.
    arrayFilter((top, number) -> number = 1, merged, arrayEnumerateUniq(merged.1, merged.2)) AS tops,
    arrayMap(
        group -> (
            group[1].1,
            arrayFirst(
                top -> top.4 NOT IN ('null', '""') AND NOT arrayExists(
                    -- It took the former one in, and has been written since.
                    other -> length(other.2) < length(top.2)
                        AND arraySlice(top.2, 1, length(other.2)) = other.2
                        AND other.3.1 >= top.2[length(other.2) + 1],
                    group
                ),
                group
            ).4
        ),
        arraySplit((top, number) -> number = 1, tops, arrayEnumerateUniq(tops.1))
    ) AS chosen,
    arraySort(arrayFilter(
        pair -> pair.2 NOT IN ('', 'null', '""'),
        arrayConcat(
            chosen,
            arrayMap(
                one -> (one.1, one.3), arrayFilter((one, number) -> number = 1, plain, arrayEnumerateUniq(plain.1))
            )
        )
    )) AS pairs
FROM
(
    SELECT
        said.founder_hash AS founder_hash,
        said.life AS life,
        said.founder_hash IN (SELECT founder_hash FROM overrides WHERE notEmpty(absorbed)) AS is_merged,
        -- Versions of two customers may be equal.
        arrayReverse(arraySort(groupArrayIf(
            (said.name, (said.version, said.customer_kind, said.customer), said.value), NOT is_merged
        ))) AS plain,
        -- By name; who took in before whom they took in, the last that was said before what was said before it.
        arrayReverseSort(
            one -> (
                one.1,
                arrayPushBack(
                    arrayMap(merger -> toUInt128('340282366920938463463374607431768211455') - merger, one.2),
                    toUInt128('340282366920938463463374607431768211455')
                ),
                one.3
            ),
            groupArrayIf(
                (said.name, said.absorbed, (said.version, said.customer_kind, said.customer), said.value), is_merged
            )
        ) AS merged
    FROM said_attributes AS said
    GROUP BY founder_hash, life
)
SETTINGS analyzer_inline_views = 1
