-- The rows of `events` of the person whose identifiers are `nodes`, see `identifiers_by`: nothing of anybody else is read.
CREATE OR REPLACE VIEW events_by AS
WITH {nodes:Array(Tuple(
        customer String, customer_kind String, hash UInt128, founder UInt128, life UInt64, joined UInt128,
        absorbed Array(UInt128), until UInt128, known UInt128
    ))} AS nodes,
    arrayZip(arrayWithConstant(length(nodes), {workspace:String}), nodes.customer, nodes.customer_kind) AS keys,
    (
        SELECT mapFromArrays(groupArray(subject_hash), groupArray(below))
        FROM erased_subjects
        WHERE subject_hash IN (SELECT arrayJoin(nodes.hash))
    ) AS erased,  -- what is below is hidden
    (SELECT max(version) FROM erased_workspaces WHERE workspace = {workspace:String}) AS gone
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
    leftPad(lower(hex(own.founder)), 32, '0')
        || trimLeft(lower(hex(if(own.joined > 0, own.life, bitShiftRight(stored.below, 86)))), '0') AS person
FROM
(
    SELECT *, nodes[indexOf(nodes.hash, subject_hash)] AS own, erased[subject_hash] AS below
    FROM stored_events FINAL
    WHERE (workspace, customer, customer_kind) IN (SELECT arrayJoin(keys))
) AS stored
WHERE least(stored.version, own.known) >= greatest(stored.below, gone) AND stored.version <= own.until
AND (stored.customer_kind != 'cio' OR stored.version >= own.joined)
-- Conditions on what the table is sorted by choose the rows before repeats are folded: they cannot part two of one key.
SETTINGS
    optimize_move_to_prewhere_if_final = 1, do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0,
    analyzer_inline_views = 1
