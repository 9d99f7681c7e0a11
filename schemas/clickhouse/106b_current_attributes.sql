-- One row is one attribute of one person as of now, and its exact JSON text: `attributes` shows them, `attributes_of` has them
-- by person. The last write wins. Where persons became one, the one that took the other in keeps what it had set, and gains
-- what it lacked: from then on the last write under any of their identifiers wins.
CREATE OR REPLACE VIEW current_attributes AS
WITH
    -- Below which version everything of a workspace is gone.
    (SELECT maxMap(map(toString(workspace), version)) FROM erased_workspaces) AS gone,
    -- Of whom several rows may count for an attribute that is no identifier: who became one person with somebody, and who was
    -- ever written to with `_update`.
    several AS (
        SELECT arrayJoin([subject_hash, founder_hash]) AS subject_hash FROM overrides
        UNION ALL
        SELECT subject_hash FROM stored_attributes WHERE linked_hash = 1
    )
SELECT
    workspace,
    founder_hash,
    life,
    name,
    value_json
FROM
(
    -- Of most people one row is all there is to an attribute that is no identifier.
    SELECT
        stored.workspace AS workspace,
        stored.subject_hash AS founder_hash,
        bitShiftRight(erased.below, 86) AS life,
        stored.name AS name,
        stored.value AS value_json
    FROM stored_attributes AS stored FINAL
    LEFT ANY JOIN
    (
        -- Who is among several is hidden as a whole: no message has the last of all versions.
        SELECT subject_hash, max(below) AS below
        FROM
        (
            SELECT subject_hash, below FROM erased_subjects
            UNION ALL
            SELECT subject_hash, toUInt128('340282366920938463463374607431768211455') FROM several
        )
        GROUP BY subject_hash
    ) AS erased
        ON stored.subject_hash = erased.subject_hash
    WHERE stored.name NOT IN ('id', 'email', 'phone', 'anonymous_id')
    AND stored.customer_kind IN ('id', 'email', 'phone', 'anon')
    AND stored.version >= greatest(erased.below, gone[stored.workspace])
    UNION ALL
    SELECT
        workspace,
        founder_hash,
        life,
        name,
        if(empty(merged), last, arrayFirst(
            top -> top.3 NOT IN ('null', '""') AND NOT arrayExists(
                -- It took the former one in, and has been written since.
                other -> length(other.1) < length(top.1)
                    AND arraySlice(top.1, 1, length(other.1)) = other.1
                    AND other.2.1 >= top.1[length(other.1) + 1],
                merged
            ),
            merged
        ).3) AS value_json
    FROM
    (
        SELECT
            workspace,
            founder_hash,
            life,
            name,
            founder_hash IN (SELECT founder_hash FROM overrides WHERE notEmpty(absorbed)) AS is_merged,
            -- Versions of two customers may be equal. One text that sorts as the three do: of a tuple the function would make
            -- a column for each group, which takes twice as long.
            argMaxIf(
                said.value,
                reinterpretAsFixedString(byteSwap(said.version)) || said.customer_kind || '\0' || said.customer,
                NOT is_merged
            ) AS last,
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
        FROM
        (
            -- As in `said_attributes`.
            SELECT
                stored.workspace AS workspace,
                stored.customer AS customer,
                stored.customer_kind AS customer_kind,
                if(own.founder_hash > 0, own.founder_hash, stored.subject_hash) AS founder_hash,
                if(own.founder_hash > 0, own.life, bitShiftRight(erased.below, 86)) AS life,
                stored.name AS name,
                stored.value AS value,
                stored.version AS version,
                arrayFilter(merger -> merger > stored.version, own.absorbed) AS absorbed
            FROM
            (
                SELECT * FROM stored_attributes FINAL WHERE name IN ('id', 'email', 'phone', 'anonymous_id')
                UNION ALL
                SELECT *
                FROM stored_attributes FINAL
                WHERE name NOT IN ('id', 'email', 'phone', 'anonymous_id')
                AND subject_hash IN (SELECT subject_hash FROM several)
                -- By what the table is sorted by.
                AND (workspace, customer, customer_kind) IN (
                    SELECT workspace, customer, customer_kind
                    FROM stored_customers
                    WHERE subject_hash IN (SELECT subject_hash FROM several)
                    UNION ALL
                    SELECT workspace, customer, customer_kind FROM stored_attributes WHERE linked_hash = 1
                )
            ) AS stored
            LEFT ANY JOIN erased_subjects AS erased ON stored.subject_hash = erased.subject_hash
            LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
            LEFT ANTI JOIN (SELECT * FROM stored_refusals FINAL WHERE linked_hash != 0 AND since < until) AS refused
                ON stored.subject_hash = refused.subject_hash AND stored.linked_hash = refused.linked_hash
                AND stored.version >= refused.since AND stored.version < refused.until
            LEFT ANTI JOIN erased_subjects AS erased_link
                ON stored.linked_hash = erased_link.subject_hash AND stored.version < erased_link.below
            WHERE stored.version >= greatest(erased.below, gone[stored.workspace])
            AND stored.customer_kind IN ('id', 'email', 'phone', 'cio', 'anon')
            AND (stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined)
        ) AS said
        GROUP BY workspace, founder_hash, life, name
    )
)
WHERE value_json != '' AND value_json != 'null' AND value_json != '""'
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
