-- One row is one record that ClickHouse refused, or that no edge of ours wrote; the rest of its block landed. Nothing of
-- a deleted customer: whose record it is, its key says.
CREATE OR REPLACE VIEW dead_letters AS
SELECT
    fromUnixTimestamp64Milli(toInt64(stored._at), 'UTC') AS appended_at,
    stored._log AS log,               -- with partition and offset: its place
    stored._partition AS partition,
    stored._offset AS offset,
    stored.status AS status,          -- dead, until a replay mends it
    stored.code AS code,              -- ClickHouse's, or 0: the record is no message of ours
    stored.reason AS reason,
    stored.key AS key,                -- as on the log
    stored.value AS value,
    stored.headers AS headers,
    stored.changed_at AS changed_at
FROM stored_dead_letters AS stored FINAL
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.status != 'erased'
