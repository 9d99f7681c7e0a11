-- One row is somebody anonymous who was identified, and when last. Few, where `stored_customers` has all: every view over
-- events joins it. Key: the hash. A maximum does not care how often or in what order a message comes.
CREATE TABLE IF NOT EXISTS stored_identified
(
    subject_hash UInt128,  -- see `erasure_key`
    workspace SimpleAggregateFunction(any, LowCardinality(String)),
    last_version SimpleAggregateFunction(max, UInt128)
)
ENGINE = AggregatingMergeTree
ORDER BY subject_hash
