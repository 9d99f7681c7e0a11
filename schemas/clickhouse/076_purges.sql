-- One row is one sweep of purge over everything that was ever erased: the proof of what it left on disk. Kept for ever.
-- Key: its start and an id, so a repeated insert replaces a row by itself.
CREATE TABLE IF NOT EXISTS purges
(
    started_at DateTime64(3, 'UTC'),  -- by ClickHouse's clock, as `hidden_at` of an erasure
    id String,
    ended_at DateTime64(3, 'UTC'),
    erasures UInt64,                  -- deletions of customers that it looked for
    workspaces UInt64,                -- and of whole workspaces
    removed Map(String, UInt64),      -- rows by table
    survivors UInt64                  -- rows that were there after it: other than 0 while a replay brings them back
)
ENGINE = ReplacingMergeTree
ORDER BY (started_at, id)
