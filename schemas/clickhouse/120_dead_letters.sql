-- One row is one record that ClickHouse refused, or that no edge of ours wrote; the rest of its block landed.
CREATE OR REPLACE VIEW dead_letters AS
SELECT
    fromUnixTimestamp64Milli(toInt64(_at), 'UTC') AS appended_at,
    _log AS log,               -- with partition and offset: its place
    _partition AS partition,
    _offset AS offset,
    status,                    -- dead, until a replay mends it
    code,                      -- ClickHouse's, or 0: the record is no message of ours
    reason,
    key,                       -- as on the log
    value,
    headers,
    changed_at
FROM stored_dead_letters FINAL
