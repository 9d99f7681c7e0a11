-- One row is something that was answered 200 and is in no other view, for seven days: what the edge refused; a message of
-- a customer who was suppressed at that place of the log, reason `suppressed`; another body under an `Idempotency-Key` that
-- was there before, reason `conflict`. These two name nobody. And what was not done of a message that links two identifiers:
-- `identifier_conflict`, `unknown_primary`, `unknown_secondary`, `unknown_cio_id`, `unknown_person`, `suppressed`,
-- `too_many_links`.
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
    AND subject_hash IN (SELECT subject_hash FROM all_erasures WHERE kind = 'suppress')
) AS said
INNER JOIN
(
    SELECT subject_hash, arraySort(groupArray((version, kind))) AS changes
    FROM all_erasures
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
UNION ALL
SELECT * FROM
(
    SELECT
        claim.received_at AS rejected_at,
        claim.workspace AS workspace,
        toString(claim.endpoint) AS endpoint,
        toString(refused.reason) AS reason,
        claim.id AS id,
        toUInt16(200) AS status,
        [multiIf(
            refused.reason = 'identifier_conflict',
            claim.linked_kind || ' ' || claim.linked || ' is another person than ' || claim.customer_kind || ' ' || claim.customer,
            refused.reason = 'unknown_primary',
            'the primary, ' || claim.customer_kind || ' ' || claim.customer || ', is nobody',
            refused.reason = 'unknown_secondary',
            'the secondary, ' || claim.linked_kind || ' ' || claim.linked || ', is nobody',
            refused.reason = 'unknown_cio_id',
            'cio_id ' || if(claim.customer_kind = 'cio', claim.customer, claim.linked) || ' is nobody',
            refused.reason = 'unknown_person',
            claim.customer_kind || ' ' || claim.customer || ' is nobody, and _update creates nobody',
            refused.reason = 'too_many_links',
            claim.linked_kind || ' ' || claim.linked || ' has been linked to too many others',
            'an identifier that is suppressed was not linked'
        )] AS messages,
        '' AS excerpt,
        toUInt64(0) AS left_out
    FROM stored_claims AS claim FINAL
    INNER JOIN (SELECT * FROM stored_refusals FINAL WHERE since < until) AS refused
        ON claim.subject_hash = refused.subject_hash AND claim.linked_hash = refused.linked_hash
    LEFT ANTI JOIN erased_subjects AS erased
        ON claim.subject_hash = erased.subject_hash AND claim.version < erased.below
    LEFT ANTI JOIN erased_subjects AS erased_link
        ON claim.linked_hash = erased_link.subject_hash AND claim.version < erased_link.below AND refused.reason != 'suppressed'
        AND claim.linked != ''
    LEFT ANTI JOIN erased_workspaces AS gone
        ON claim.workspace = gone.workspace AND claim.version < gone.version
    WHERE claim.version >= refused.since AND claim.version < refused.until
    -- What a `cio_id` stands for is no claim of a client, unless that is the message's subject and nobody.
    AND if(
        refused.reason = 'unknown_cio_id',
        claim.linked = '' AND claim.linked_kind = '' AND claim.kind != 'merge' OR claim.linked != '' AND claim.linked_kind = 'cio',
        claim.linked != ''
    )
    AND claim.received_at > now() - INTERVAL 7 DAY
    -- Of two reasons the one that was found for this very message.
    ORDER BY refused.since DESC
    LIMIT 1 BY claim.subject_hash, claim.linked_hash, claim.version, claim.linked_kind
)
SETTINGS do_not_merge_across_partitions_select_final = 1, analyzer_inline_views = 1
