-- One row is the last time that a customer was put into a segment or taken out of it. People read `segment_members`.
-- Key: workspace, segment, customer. The highest version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_segment_members
(
    workspace LowCardinality(String),
    segment_id String,
    customer String,
    customer_kind LowCardinality(String),
    kind LowCardinality(String),  -- add_to_segment or remove_from_segment
    version UInt128,
    subject_hash UInt128          -- of the customer, see `erasure_key`
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, segment_id, customer, customer_kind)
SETTINGS index_granularity = 1024
