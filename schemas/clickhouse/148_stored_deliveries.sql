-- One row is the last report of one metric of a delivery to one recipient. People read the view `deliveries`.
-- Key: workspace, delivery, metric, recipient: who is erased takes along what came for them, and nothing else. The highest
-- version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_deliveries
(
    workspace LowCardinality(String),
    delivery_id String,
    metric LowCardinality(String),
    recipient String,
    timestamp DateTime64(3, 'UTC'),
    sent_timestamp String,
    reason String,
    href String,
    device_id String,
    id String,
    received_at DateTime64(3, 'UTC'),
    version UInt128,
    subject_hash UInt128,   -- of the delivery, see `erasure_key`
    recipient_hash UInt128  -- of the customer; 0 if nobody is named
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, delivery_id, metric, recipient)
SETTINGS index_granularity = 1024
