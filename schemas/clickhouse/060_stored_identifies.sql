-- One row is one identify: no more than that it was there. With the events it tells when a customer that was deleted
-- and came back was first seen since, which the minimum in `stored_customers` cannot.
-- Key: the whole row.
CREATE TABLE IF NOT EXISTS stored_identifies
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    version UInt128
)
ENGINE = ReplacingMergeTree
ORDER BY (workspace, customer, customer_kind, version)
SETTINGS index_granularity = 1024
