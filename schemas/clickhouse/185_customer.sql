-- The row of `customers` of whom an identifier names: `customer(workspace = '…', identifier = '5')`. The identifier is written
-- as in a path, 5, bob@example.com or cio_…, or with its kind: id:5, email:…, phone:+49…, anon:….
CREATE OR REPLACE VIEW customer AS
SELECT
    {workspace:String} AS workspace,
    leftPad(lower(hex(own.3)), 32, '0')
        || trimLeft(lower(hex(if(own.6 > 0, own.5, bitShiftRight(below, 86)))), '0') AS cio_id,
    own.1 AS customer,
    own.2 AS customer_kind,
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
        below,
        arraySort(arrayMap(
            -- Of those who came with another person, when that one did, and the one before it, and when they had joined it.
            node -> (node.3 != own.3, arrayPushBack(node.7, node.6), node.2 || ':' || node.1),
            arrayFilter(node -> node.2 != 'cio', nodes)
        )).3 AS identifiers,
        -- Of those who came back the first message since: never less than what `stored_customers` has.
        arrayMin(arrayMap(
            row -> greatest(row.4, arrayMin(arrayFilter(each -> each.1 = row.1, returned).2)),
            arrayFilter(row -> row.2 != 'cio', there)
        )) AS first_version,
        arrayMax(there.3) AS last_version,
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
            person.nodes AS nodes,
            person.erased AS erased,
            arrayFirst(node -> node.3 = node.4, nodes) AS own,
            erased[own.3] AS below,
            mapFromArrays(nodes.3, nodes.7) AS absorbed,
            -- What is below is hidden, and of a `cio_id` what came before it was the person's.
            mapFromArrays(
                nodes.3, arrayMap(node -> greatest(erased[node.3], person.gone, if(node.2 = 'cio', node.6, 0)), nodes)
            ) AS floors,
            arrayFilter(row -> row.3 >= floors[row.1], seen) AS there,
            arrayFilter(row -> row.2 >= greatest(erased[row.1], person.gone), since) AS returned,
            -- By name: the last that was said of each of those who became one, sorted as in `attributes_of`.
            arrayReverseSort(
                row -> (
                    row.1,
                    arrayPushBack(
                        arrayMap(merger -> toUInt128('340282366920938463463374607431768211455') - merger, row.2),
                        toUInt128('340282366920938463463374607431768211455')
                    ),
                    row.3
                ),
                arrayMap(
                    row -> (row.6, arrayFilter(merger -> merger > row.5, absorbed[row.1]), (row.5, row.3, row.4), row.7),
                    arrayFilter(
                        row -> row.5 >= greatest(floors[row.1], erased[row.2]) AND NOT arrayExists(
                            refusal -> refusal.1 = row.1 AND refusal.2 = row.2 AND row.5 >= refusal.3 AND row.5 < refusal.4,
                            person.refusals
                        ),
                        said
                    )
                )
            ) AS ordered,
            arrayFilter((row, number) -> number = 1, ordered, arrayEnumerateUniq(ordered.1, ordered.2)) AS tops
        FROM customer_by(
            person = (
                SELECT person
                FROM person_by(
                    workspace = {workspace:String},
                    nodes = (
                        SELECT nodes
                        FROM identifiers_of(
                            workspace = {workspace:String},
                            identifier = {identifier:String},
                            by = if(startsWith({identifier:String}, 'cio_'), 'founder', 'nobody')
                        )
                    )
                )
            )
        )
    )
    WHERE has(there.1, own.3)
)
SETTINGS analyzer_inline_views = 1
