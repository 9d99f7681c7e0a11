-- One row is one id that messages about one customer or object had more than once in the last seven days: the tables keep
-- the last of them. Nothing of a deleted customer.
CREATE OR REPLACE VIEW repeats AS
SELECT
    workspace,
    substring(subject, position(subject, ':') + 1) AS customer,
    substring(subject, 1, position(subject, ':') - 1) AS customer_kind,
    id,
    last_name AS name,
    last_kind AS kind,
    times,   -- records on the log; of an edge with a spool also copies of one request
    bodies   -- different ones among them: more than 1, and something was replaced
FROM
(
    SELECT
        said.workspace AS workspace,
        said.subject AS subject,
        said.id AS id,
        argMax(said.name, said.version) AS last_name,
        argMax(said.kind, said.version) AS last_kind,
        count() AS times,
        -- Not whom else they name: of that a purge may have taken some.
        uniqExact(said.kind, said.name, said.target, said.sent_timestamp, said.attributes, said.data, said.fingerprint) AS bodies
    FROM journal AS said FINAL
    LEFT ANTI JOIN erased_subjects AS erased
        ON said.subject_hash = erased.subject_hash AND said.version < erased.below
    LEFT ANTI JOIN erased_workspaces AS gone
        ON said.workspace = gone.workspace AND said.version < gone.version
    WHERE said.kind NOT IN ('erased', 'metric', 'unsubscribe', 'rejection', 'telemetry')
    -- Events, pages and screens are told apart by their ids alone.
    GROUP BY workspace, subject, id, if(said.kind IN ('page', 'screen'), 'event', said.kind)
    HAVING times > 1
)
SETTINGS do_not_merge_across_partitions_select_final = 1, analyzer_inline_views = 1
