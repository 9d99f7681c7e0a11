-- One row is the erasure of a whole workspace, kept for ever: whatever of it is below the version is gone.
CREATE TABLE IF NOT EXISTS erased_workspaces
(
    workspace LowCardinality(String),
    version UInt128,
    requested_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, version)
