-- One row is one deletion of a customer, kept for ever: what was written below its version is gone, whatever is
-- inserted again later. Key: the customer and the version of the deletion.
CREATE TABLE IF NOT EXISTS erasures
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    version UInt128,
    id String,
    requested_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, customer, customer_kind, version)
