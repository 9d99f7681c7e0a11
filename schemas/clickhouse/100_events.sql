-- One row is one event, page or screen, exact as soon as the insert is done: no repeats, nothing of a deleted customer.
CREATE OR REPLACE VIEW events AS
WITH
    -- Below which version everything of a workspace is gone.
    (SELECT maxMap(map(toString(workspace), version)) FROM erased_workspaces) AS gone
SELECT
    stored.workspace AS workspace,
    stored.customer AS customer,            -- the identifier that was used
    stored.customer_kind AS customer_kind,  -- id, email, cio, anon or invite
    stored.id AS id,                        -- the client's if it was a ULID or UUID, else ours
    stored.client_id AS client_id,          -- the client's, if it was neither
    stored.kind AS kind,                    -- event, page or screen
    stored.name AS name,
    stored.timestamp AS timestamp,          -- when it happened by the client's word, else when it came
    stored.sent_timestamp AS sent_timestamp,  -- the client's own text of it
    stored.received_at AS received_at,
    stored.data AS data,                    -- the client's exact JSON
    stored.context AS context,              -- JSON: endpoint, ip, user_agent, flags
    stored.filed_at AS filed_at,            -- its month decides the partition: name it beside `timestamp` to read less
    -- Whose it is as of now, a `cio_id` of `customers`; empty: nobody's, of somebody anonymous whom nobody claimed.
    if(
        stored.customer_kind = 'anon' AND if(
            known.founder_hash > 0,
            stored.version > known.until,
            -- Who was identified is a person, even if nobody else ever claimed them, unless they were deleted since.
            known.identified = 0 OR known.identified < greatest(known.below, gone[stored.workspace])
        ) OR stored.customer_kind = 'invite' AND known.founder_hash = 0,
        '',
        leftPad(lower(hex(if(known.founder_hash > 0, known.founder_hash, stored.subject_hash))), 32, '0')
            || trimLeft(lower(hex(if(known.founder_hash > 0, known.life, bitShiftRight(known.below, 86)))), '0')
    ) AS person
FROM packed_events AS stored FINAL
LEFT ANY JOIN
(
    -- Of all of whom there is more to know than their events, at most a row each: one look for three.
    SELECT
        subject_hash,
        max(below) AS below,                -- as in `erased_subjects`
        max(founder_hash) AS founder_hash,  -- this and the next ones as in `overrides`
        max(life) AS life,
        max(joined) AS joined,
        max(until) AS until,
        max(identified) AS identified       -- as in `identified`
    FROM
    (
        SELECT subject_hash, below, toUInt128(0) AS founder_hash, toUInt64(0) AS life, toUInt128(0) AS joined,
            toUInt128(0) AS until, toUInt128(0) AS identified
        FROM erased_subjects
        UNION ALL
        SELECT subject_hash, 0, founder_hash, life, joined, until, 0 FROM stored_overrides FINAL WHERE active
        UNION ALL
        SELECT subject_hash, 0, 0, 0, 0, 0, last_version FROM stored_identified FINAL
    )
    GROUP BY subject_hash
) AS known ON stored.subject_hash = known.subject_hash
WHERE stored.version >= known.below
-- To look it up takes long where there is nothing.
AND (empty(gone) OR stored.version >= gone[stored.workspace])
AND (stored.customer_kind != 'cio' OR known.founder_hash > 0 AND stored.version >= known.joined)
-- Conditions on what the table is sorted by choose the rows before repeats are folded: they cannot part two of one key.
SETTINGS
    optimize_move_to_prewhere_if_final = 1, do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0,
    analyzer_inline_views = 1
