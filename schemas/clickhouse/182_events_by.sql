-- The rows of `events` of the person whose identifiers are `nodes`, see `identifiers_of`: nothing of anybody else is read.
CREATE OR REPLACE VIEW events_by AS
WITH {nodes:Array(Tuple(String, String, UInt128, UInt128, UInt64, UInt128, Array(UInt128), UInt128, UInt128))} AS nodes,
    (
        SELECT mapFromArrays(groupArray(subject_hash), groupArray(below))
        FROM
        (
            SELECT subject_hash, below FROM erased_subjects WHERE subject_hash IN nodes.3
            UNION ALL
            SELECT toUInt128(0), max(version) FROM erased_workspaces WHERE workspace = {workspace:String}
        )
    ) AS erased  -- what is below is hidden; of the whole workspace under 0, which is nobody's hash
SELECT
    stored.workspace AS workspace,
    stored.customer AS customer,
    stored.customer_kind AS customer_kind,
    stored.id AS id,
    stored.client_id AS client_id,
    stored.kind AS kind,
    stored.name AS name,
    stored.timestamp AS timestamp,
    stored.sent_timestamp AS sent_timestamp,
    stored.received_at AS received_at,
    stored.data AS data,
    stored.context AS context,
    stored.filed_at AS filed_at,
    leftPad(lower(hex(own.4)), 32, '0')
        || trimLeft(lower(hex(if(own.6 > 0, own.5, bitShiftRight(stored.below, 86)))), '0') AS person
FROM
(
    SELECT *, timestamp, received_at, version,
        nodes[indexOf(nodes.3, subject_hash)] AS own, erased[subject_hash] AS below, erased[0] AS gone
    FROM packed_events FINAL
    -- Of most parts that is all that is read: one column.
    PREWHERE customer IN nodes.1
    WHERE workspace = {workspace:String} AND (customer, customer_kind) IN arrayZip(nodes.1, nodes.2)
) AS stored
WHERE least(stored.version, own.9) >= greatest(stored.below, stored.gone) AND stored.version <= own.8
AND (stored.customer_kind != 'cio' OR stored.version >= own.6)
-- Conditions on what the table is sorted by choose the rows before repeats are folded: they cannot part two of one key.
SETTINGS
    optimize_move_to_prewhere_if_final = 1, do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0,
    analyzer_inline_views = 1
