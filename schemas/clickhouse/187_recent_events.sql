-- What came last: the rows of `events` that are among the last thousand that came to a workspace, of the last seven days, the
-- newest first: `recent_events(workspace = '…')`. Of repeats the last. Of a busy workspace it reads little more than that.
CREATE OR REPLACE VIEW recent_events AS
SELECT
    said.workspace AS workspace,
    substring(said.subject, position(said.subject, ':') + 1) AS customer,
    substring(said.subject, 1, position(said.subject, ':') - 1) AS customer_kind,
    said.id AS id,
    said.client_id AS client_id,
    toString(said.kind) AS kind,
    said.name AS name,
    fromUnixTimestamp64Milli(toInt64(round(said.timestamp * 1000)), 'UTC') AS timestamp,
    said.sent_timestamp AS sent_timestamp,
    fromUnixTimestamp64Milli(toInt64(round(said.received_at * 1000)), 'UTC') AS received_at,
    said.data AS data,
    said.context AS context
FROM
(
    -- Without FINAL, and by this one column: so the index tells which granules have the last thousand.
    SELECT *
    FROM journal
    WHERE workspace = {workspace:String} AND kind IN ('event', 'page', 'screen')
    ORDER BY _at DESC
    LIMIT 1000
) AS said
LEFT ANTI JOIN erased_subjects AS erased ON said.subject_hash = erased.subject_hash AND said.version < erased.below
LEFT ANY JOIN overrides AS own ON said.subject_hash = own.subject_hash
LEFT ANTI JOIN erased_workspaces AS gone
    ON said.workspace = gone.workspace AND said.version < gone.version
WHERE NOT startsWith(said.subject, 'cio:') OR own.founder_hash > 0 AND said.version >= own.joined
ORDER BY said.version DESC
LIMIT 1 BY said.subject, said.id
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
