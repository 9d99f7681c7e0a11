-- One row is a pair of `stored_claims`, found by its other end. Key: the two. A minimum does not care how often or in what
-- order a claim comes.
CREATE TABLE IF NOT EXISTS stored_claimed
(
    linked_hash UInt128,
    subject_hash UInt128,
    first_version SimpleAggregateFunction(min, UInt128)
)
ENGINE = AggregatingMergeTree
ORDER BY (linked_hash, subject_hash)
SETTINGS index_granularity = 256
