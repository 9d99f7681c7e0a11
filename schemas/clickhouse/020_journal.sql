-- One row is one record of the log, as it stood there: what the audit, a trace, a live tail and a replay read.
-- Key: the place on the log, so a repeated insert replaces a row by itself. Kept for seven days of append time.
CREATE TABLE IF NOT EXISTS journal
(
    _log LowCardinality(String),
    _partition UInt32,
    _offset UInt64,
    _at UInt64,
    id String,
    client_id String,
    workspace LowCardinality(String),
    kind LowCardinality(String),
    subject String,
    name String,
    timestamp Float64,
    sent_timestamp String,
    filed_at Float64,
    received_at Float64,
    attributes Array(Tuple(String, String)) CODEC(ZSTD(1)),
    data String CODEC(ZSTD(1)),
    context String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(fromUnixTimestamp64Milli(toInt64(_at), 'UTC'))
ORDER BY (_log, _partition, _offset)
TTL toDateTime(intDiv(_at, 1000), 'UTC') + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1
