-- One row is something that was answered 200 and is in no other view, for seven days: what the edge refused; a message of
-- a customer who was suppressed at that place of the log, reason `suppressed`; another body under an `Idempotency-Key` that
-- was there before, reason `conflict`. The last two name nobody.
CREATE OR REPLACE VIEW rejections AS
SELECT
    stored.rejected_at AS rejected_at,
    stored.workspace AS workspace,          -- empty: nobody could tell
    toString(stored.endpoint) AS endpoint,
    toString(stored.reason) AS reason,
    stored.id AS id,
    stored.status AS status,                -- that it would have had
    stored.messages AS messages,
    stored.excerpt AS excerpt,              -- of what was sent
    stored.left_out AS left_out             -- more of them before this one, which were too many to keep
FROM stored_rejections AS stored FINAL
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
UNION ALL
SELECT
    fromUnixTimestamp64Milli(toInt64(round(said.received_at * 1000)), 'UTC') AS rejected_at,
    said.workspace AS workspace,
    JSONExtractString(said.context, 'endpoint') AS endpoint,
    'suppressed' AS reason,
    said.id AS id,
    toUInt16(200) AS status,
    CAST([], 'Array(String)') AS messages,
    '' AS excerpt,
    toUInt64(0) AS left_out
FROM
(
    SELECT workspace, subject_hash, version, id, received_at, context
    FROM journal FINAL
    WHERE kind NOT IN ('delete', 'suppress', 'unsuppress', 'erased')
    AND subject_hash IN (SELECT subject_hash FROM stored_erasures WHERE kind = 'suppress')
) AS said
INNER JOIN
(
    SELECT subject_hash, arraySort(groupArray((version, kind))) AS changes
    FROM stored_erasures
    WHERE kind IN ('suppress', 'unsuppress')
    GROUP BY subject_hash
) AS suppression
    ON said.subject_hash = suppression.subject_hash
LEFT ANTI JOIN erased_workspaces AS gone
    ON said.workspace = gone.workspace AND said.version < gone.version
WHERE arrayLast(change -> change.1 < said.version, suppression.changes).2 = 'suppress'
UNION ALL
SELECT
    fromUnixTimestamp64Milli(toInt64(round(further.received_at * 1000)), 'UTC') AS rejected_at,
    further.workspace AS workspace,
    JSONExtractString(further.context, 'endpoint') AS endpoint,
    'conflict' AS reason,
    further.id AS id,
    toUInt16(200) AS status,
    CAST([], 'Array(String)') AS messages,
    '' AS excerpt,
    toUInt64(0) AS left_out
FROM
(
    SELECT
        said.workspace AS workspace,
        said.id AS id,
        -- Versions of two subjects may be equal.
        min((said.version, said.subject)) AS first,
        argMin(said.received_at, (said.version, said.subject)) AS received_at,
        argMin(said.context, (said.version, said.subject)) AS context,
        row_number() OVER (PARTITION BY workspace, id ORDER BY first) AS number
    FROM journal AS said FINAL
    LEFT ANTI JOIN erased_subjects AS erased
        ON said.subject_hash = erased.subject_hash AND said.version < erased.below
    LEFT ANTI JOIN erased_subjects AS erased_recipient
        ON said.other_hashes[1] = erased_recipient.subject_hash AND said.kind = 'metric'
        AND said.version < erased_recipient.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON said.workspace = gone.workspace AND said.version < gone.version
    WHERE said.fingerprint != '' AND said.kind != 'erased'
    GROUP BY workspace, id, said.fingerprint
) AS further
WHERE further.number > 1
SETTINGS do_not_merge_across_partitions_select_final = 1
