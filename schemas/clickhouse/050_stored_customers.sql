-- One row is one customer that a message ever spoke of, deletions apart: the versions of its first and last message.
-- Key: workspace, customer. Minimum and maximum do not care how often or in what order a message comes.
CREATE TABLE IF NOT EXISTS stored_customers
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    first_version SimpleAggregateFunction(min, UInt128),
    last_version SimpleAggregateFunction(max, UInt128)
)
ENGINE = AggregatingMergeTree
ORDER BY (workspace, customer, customer_kind)
SETTINGS index_granularity = 1024
