-- One row is one deletion of a customer, kept for ever: whatever of that subject is below its version is gone, also when
-- it is inserted again later. It holds a keyed hash and nobody's name. Key: the subject's hash and the version.
CREATE TABLE IF NOT EXISTS stored_erasures
(
    subject_hash UInt128,
    version UInt128,
    workspace SimpleAggregateFunction(any, LowCardinality(String)),
    id SimpleAggregateFunction(any, String),                   -- of the message that asked for it
    requested_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    hidden_at SimpleAggregateFunction(min, DateTime64(3, 'UTC'))  -- when it first took effect here
)
ENGINE = AggregatingMergeTree
ORDER BY (subject_hash, version)
