-- One row is one submission of a form; one that named nobody has the form as its subject. People read the views
-- `form_submissions` and `forms`.
-- Key: workspace, form, customer, id. The highest version wins, so a repeat changes nothing.
CREATE TABLE IF NOT EXISTS stored_form_submissions
(
    workspace LowCardinality(String),
    form_id String,
    customer String,
    customer_kind LowCardinality(String),
    id String,
    data String CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    context String CODEC(ZSTD(1)),
    version UInt128,
    subject_hash UInt128  -- of the customer, see `erasure_key`
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, form_id, customer, customer_kind, id)
SETTINGS index_granularity = 1024
