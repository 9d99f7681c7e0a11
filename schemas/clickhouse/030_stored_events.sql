-- One row is one event, page or screen of a customer. People read the view `events`.
-- Key: workspace, customer, id. The month is made of what a repeat repeats (the time inside a client's ULID or UUIDv7,
-- else the timestamp), so a repeat falls into the same partition and the last one on the log replaces the others.
-- Months out of range share the partition 197001: a client with a thousand odd months must not make a thousand parts.
CREATE TABLE IF NOT EXISTS stored_events
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    id String,
    client_id String,
    kind LowCardinality(String),
    name LowCardinality(String),
    timestamp DateTime64(3, 'UTC'),
    sent_timestamp String,
    filed_at DateTime('UTC'),
    received_at DateTime64(3, 'UTC'),
    data String CODEC(ZSTD(1)),
    context String CODEC(ZSTD(1)),
    version UInt128
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(filed_at)
ORDER BY (workspace, customer, customer_kind, toYYYYMM(filed_at), id)
SETTINGS index_granularity = 1024
