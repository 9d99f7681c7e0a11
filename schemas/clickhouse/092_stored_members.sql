-- One row is an identifier that a person has or had: `stored_people` tells which. Key: the two.
CREATE TABLE IF NOT EXISTS stored_members
(
    founder_hash UInt128,
    subject_hash UInt128
)
ENGINE = ReplacingMergeTree
ORDER BY (founder_hash, subject_hash)
SETTINGS index_granularity = 256
