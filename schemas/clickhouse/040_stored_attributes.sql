-- One row is the last value of one attribute of a customer: its exact JSON text, `null` and `""` being an unset one.
-- Key: workspace, customer, attribute name. The highest version wins, so repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_attributes
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    name LowCardinality(String),
    value String CODEC(ZSTD(1)),
    version UInt128
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, customer, customer_kind, name)
SETTINGS index_granularity = 1024
