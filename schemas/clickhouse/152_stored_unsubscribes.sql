-- One row is what the reader of a delivery last said: to be unsubscribed, or not. People read the view `unsubscribes`.
-- Key: workspace, delivery. The highest version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_unsubscribes
(
    workspace LowCardinality(String),
    delivery_id String,
    unsubscribed UInt8,
    version UInt128,
    subject_hash UInt128  -- of the delivery, see `erasure_key`
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, delivery_id)
SETTINGS index_granularity = 1024
