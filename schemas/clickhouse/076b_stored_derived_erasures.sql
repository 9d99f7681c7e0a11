-- One row is what the deletion of one identifier did to another one of the same person, as far as is known: the worker
-- finds it out, see `workers/people`. What a purge makes final goes to `stored_erasures`.
-- Key: the other identifier's hash and the version of the deletion. The last finding wins; kind `none` takes one back.
CREATE TABLE IF NOT EXISTS stored_derived_erasures
(
    subject_hash UInt128,
    version UInt128,
    kind LowCardinality(String),  -- delete, suppress, unsuppress, none
    workspace LowCardinality(String),
    id String,                    -- of the message that asked for it
    requested_at DateTime64(3, 'UTC'),
    hidden_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    resolved_at UInt64            -- ns, when what it was made of was read
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY (subject_hash, version)
