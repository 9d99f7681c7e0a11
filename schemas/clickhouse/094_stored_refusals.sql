-- One row is why the claims of two identifiers were refused, from one version up to another: `identifier_conflict` as long
-- as they are two people, and so on. See `workers/people`.
-- Key: the two and the version since which. The last finding wins; one that ends where it begins takes a row back.
CREATE TABLE IF NOT EXISTS stored_refusals
(
    subject_hash UInt128,
    linked_hash UInt128,
    since UInt128,
    until UInt128,  -- not in it
    reason LowCardinality(String),
    resolved_at UInt64
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY (subject_hash, linked_hash, since)
