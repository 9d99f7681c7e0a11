-- One row is something that the edge refused though it had to answer 200. People read the view `rejections`.
-- Key: the subject, which a repeat repeats. Kept for seven days: it may quote what nobody can be named for.
CREATE TABLE IF NOT EXISTS stored_rejections
(
    workspace LowCardinality(String),  -- empty: nobody could tell
    rejection String,
    id String,
    rejected_at DateTime64(3, 'UTC'),
    endpoint LowCardinality(String),
    reason LowCardinality(String),
    status UInt16,                     -- that it would have had
    messages Array(String),
    excerpt String CODEC(ZSTD(1)),
    left_out UInt64,
    version UInt128,
    subject_hash UInt128               -- of the rejection, see `erasure_key`
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMMDD(rejected_at)
ORDER BY (workspace, rejection)
TTL toDateTime(rejected_at) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1
