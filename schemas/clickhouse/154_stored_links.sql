-- One row is the last message of a kind that said that two subjects are the same one, or become it. People read the view
-- `identifiers`.
-- Key: the two and the kind. The highest version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_links
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    linked String,
    linked_kind LowCardinality(String),
    kind LowCardinality(String),  -- of the message: identify, merge, …
    id String,                    -- the message's
    endpoint LowCardinality(String),
    version UInt128,
    subject_hash UInt128,         -- of the customer, see `erasure_key`
    linked_hash UInt128
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, customer, customer_kind, linked, linked_kind, kind)
SETTINGS index_granularity = 1024
