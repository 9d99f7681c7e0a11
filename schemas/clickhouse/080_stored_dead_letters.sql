-- One row is one record of the log that is in no other table, and why. Key: its place on the log, so a repeat replaces
-- a row by itself; the last change of the status wins. Kept for ninety days of append time.
CREATE TABLE IF NOT EXISTS stored_dead_letters
(
    _log LowCardinality(String),
    _partition UInt32,
    _offset UInt64,
    _at UInt64,
    key String CODEC(ZSTD(1)),
    value String CODEC(ZSTD(1)),
    headers Array(Tuple(String, String)),
    reason String CODEC(ZSTD(1)),
    code Int32,
    status LowCardinality(String),
    changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(toInt64(_at), 'UTC'))
ORDER BY (_log, _partition, _offset)
TTL toDateTime(intDiv(_at, 1000), 'UTC') + INTERVAL 90 DAY
