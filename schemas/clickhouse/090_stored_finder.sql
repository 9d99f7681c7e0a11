-- One row is an identifier of `stored_people`, found by its text: whoever only reads cannot compute its hash.
CREATE TABLE IF NOT EXISTS stored_finder
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    subject_hash UInt128,
    joined UInt128,      -- as there
    resolved_at UInt64
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY (workspace, customer, customer_kind)
SETTINGS index_granularity = 256
