-- One row is an identifier that another one's person has, and under which something may have been said: what a view over
-- everything joins to name the person. Few: it has no row for an email that only ever was an attribute. See `stored_people`.
CREATE TABLE IF NOT EXISTS stored_overrides
(
    subject_hash UInt128,
    founder_hash UInt128,
    life UInt64,
    joined UInt128,
    absorbed Array(UInt128),
    until UInt128,
    beyond Bool,
    active Bool,
    resolved_at UInt64
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY subject_hash
SETTINGS index_granularity = 1024
