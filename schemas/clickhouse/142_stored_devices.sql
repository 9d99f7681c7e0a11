-- One row is the last time that a customer was given a device, or that it was taken away. People read the view `devices`.
-- Key: workspace, token, customer, kind. The highest version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_devices
(
    workspace LowCardinality(String),
    token String,
    customer String,
    customer_kind LowCardinality(String),
    kind LowCardinality(String),  -- add_device or delete_device
    platform LowCardinality(String),
    last_used_at DateTime64(3, 'UTC'),
    attributes Array(Tuple(String, String)) CODEC(ZSTD(1)),  -- name and exact JSON text
    version UInt128,
    subject_hash UInt128          -- of the customer, see `erasure_key`
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, token, customer, customer_kind, kind)
SETTINGS index_granularity = 1024
