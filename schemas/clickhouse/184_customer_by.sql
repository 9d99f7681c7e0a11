-- The row of `customers` of the person whose identifiers are `nodes`, see `identifiers_by`: nothing of anybody else is read.
-- A scalar is analysed anew wherever a subquery uses it, and a join costs more than a map: so the maps are few.
CREATE OR REPLACE VIEW customer_by AS
WITH {nodes:Array(Tuple(
        customer String, customer_kind String, hash UInt128, founder UInt128, life UInt64, joined UInt128,
        absorbed Array(UInt128), until UInt128, known UInt128
    ))} AS nodes,
    arrayZip(arrayWithConstant(length(nodes), {workspace:String}), nodes.customer, nodes.customer_kind) AS keys,
    -- What is below is hidden: of the nodes, and of whatever was linked to them.
    (
        SELECT mapFromArrays(groupArray(subject_hash), groupArray(below))
        FROM erased_subjects
        WHERE subject_hash IN (
            SELECT arrayJoin(nodes.hash)
            UNION ALL
            SELECT linked_hash
            FROM stored_attributes
            WHERE linked_hash > 1 AND (workspace, customer, customer_kind) IN (SELECT arrayJoin(keys))
        )
    ) AS erased,
    (SELECT max(version) FROM erased_workspaces WHERE workspace = {workspace:String}) AS gone,
    (
        SELECT groupArray((subject_hash, linked_hash, since, until))
        FROM stored_refusals FINAL
        WHERE subject_hash IN (SELECT arrayJoin(nodes.hash)) AND linked_hash != 0 AND since < until
    ) AS refusals,
    -- Of those who were deleted, or whose workspace was, and came back: their first message since, see `seen`. Of anybody else
    -- nothing is read.
    (
        SELECT mapFromArrays(groupArray(subject_hash), groupArray(first_version))
        FROM
        (
            SELECT subject_hash, min(version) AS first_version
            FROM
            (
                SELECT workspace, customer, customer_kind, subject_hash, version FROM stored_identifies
                UNION ALL
                SELECT workspace, customer, customer_kind, subject_hash, version
                FROM stored_events FINAL
                WHERE customer_kind NOT IN ('anon', 'invite')
            )
            WHERE version >= greatest(erased[subject_hash], gone) AND (workspace, customer, customer_kind) IN (
                SELECT arrayJoin(arrayFilter((key, hash) -> gone > 0 OR mapContains(erased, hash), keys, nodes.hash))
            )
            GROUP BY subject_hash
        )
    ) AS returned
SELECT
    {workspace:String} AS workspace,
    cio_id,
    own.customer AS customer,
    own.customer_kind AS customer_kind,
    if(
        mapContains(attributes, 'email'),
        attributes['email'],
        substring(arrayLast(identifier -> startsWith(identifier, 'email:'), identifiers), length('email:') + 1)
    ) AS email,
    identifiers,
    mapFromArrays(
        pairs.1,
        arrayMap(value -> if(startsWith(value, '"'), JSONExtractString(value), value), pairs.2)
    ) AS attributes,
    '{' || arrayStringConcat(arrayMap((name, value) -> toJSONString(name) || ':' || value, pairs.1, pairs.2), ',') || '}'
        AS attributes_json,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(first_version, 86)), 'UTC') AS first_seen_at,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(last_version, 86)), 'UTC') AS updated_at
FROM
(
    SELECT
        own,
        leftPad(lower(hex(own.hash)), 32, '0') || trimLeft(lower(hex(life)), '0') AS cio_id,
        arrayMap(
            node -> node.customer_kind || ':' || node.customer,
            arraySort(
                node -> (
                    node.hash != own.hash, arrayPushBack(node.absorbed, node.joined), node.customer_kind || ':' || node.customer
                ),
                arrayFilter(node -> node.customer_kind != 'cio', nodes)
            )
        ) AS identifiers,
        first_version,
        last_version,
        arraySort(arrayFilter(
            pair -> pair.2 NOT IN ('', 'null', '""'),
            arrayMap(
                group -> (
                    group[1].1,
                    arrayFirst(
                        top -> top.4 NOT IN ('null', '""') AND NOT arrayExists(
                            other -> length(other.2) < length(top.2)
                                AND arraySlice(top.2, 1, length(other.2)) = other.2
                                AND other.3.1 >= top.2[length(other.2) + 1],
                            group
                        ),
                        group
                    ).4
                ),
                arraySplit((top, number) -> number = 1, tops, arrayEnumerateUniq(tops.1))
            )
        )) AS pairs
    FROM
    (
        SELECT
            arrayFirst(node -> node.hash = node.founder, nodes) AS own,
            anyIf(if(one.node.joined > 0, one.node.life, bitShiftRight(one.below, 86)), one.node.hash = own.hash) AS life,
            minIf(one.first_version, one.part = 'seen' AND one.node.customer_kind != 'cio') AS first_version,
            maxIf(one.version, one.part = 'seen') AS last_version,
            -- By name: the last that was said of each of those who became one, sorted as in `attributes_of`.
            arrayReverseSort(
                row -> (row.1, row.5, row.3),
                groupArrayIf(
                    (
                        one.name,
                        one.absorbed,
                        (one.version, one.node.customer_kind, one.node.customer),
                        one.value,
                        arrayPushBack(
                            arrayMap(merger -> toUInt128('340282366920938463463374607431768211455') - merger, one.absorbed),
                            toUInt128('340282366920938463463374607431768211455')
                        )
                    ),
                    one.part = 'said'
                )
            ) AS said,
            arrayFilter((row, number) -> number = 1, said, arrayEnumerateUniq(said.1, said.2)) AS tops
        FROM
        (
            SELECT
                part,
                name,
                value,
                version,
                node,
                arrayFilter(merger -> merger > version, node.absorbed) AS absorbed,
                below,
                if(first_since > 0, first_since, first) AS first_version
            FROM
            (
                SELECT
                    *,
                    nodes[indexOf(nodes.hash, subject_hash)] AS node,
                    erased[subject_hash] AS below,
                    erased[linked_hash] AS link_below,
                    returned[subject_hash] AS first_since
                FROM
                (
                    SELECT
                        'seen' AS part, subject_hash, last_version AS version, first_version AS first, '' AS name, '' AS value,
                        toUInt128(0) AS linked_hash
                    FROM stored_customers FINAL
                    WHERE (workspace, customer, customer_kind) IN (SELECT arrayJoin(keys))
                    UNION ALL
                    SELECT 'said', subject_hash, version, toUInt128(0), name, value, linked_hash
                    FROM stored_attributes FINAL
                    WHERE (workspace, customer, customer_kind) IN (SELECT arrayJoin(keys))
                )
            )
            WHERE version >= greatest(below, gone, link_below)
            AND (node.customer_kind != 'cio' OR version >= node.joined)
            AND NOT arrayExists(
                refusal -> refusal.1 = subject_hash AND refusal.2 = linked_hash
                    AND version >= refusal.3 AND version < refusal.4,
                refusals
            )
        ) AS one
        HAVING max(one.part = 'seen' AND one.node.hash = own.hash)
    )
)
-- As in `events`.
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
