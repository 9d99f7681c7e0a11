-- One row is one message that said of two identifiers that they are one person, or shall become one. All of them are kept:
-- in which order they came decides who is who, see `workers/people`. A message that names somebody by a `cio_id` has such
-- a row too: the other end is whom the `cio_id` was first given to, of whom only the hash is known.
-- Key: the two, the version, and as what the other end was linked, for one message may name somebody by a `cio_id` and by
-- the identifier behind it. So repeats and late arrivals change nothing.
CREATE TABLE IF NOT EXISTS stored_claims
(
    subject_hash UInt128,  -- of the customer, see `erasure_key`
    linked_hash UInt128,   -- 0: a `cio_id` that is none; 1: whoever it is must be known already, `_update`
    version UInt128,
    workspace LowCardinality(String),
    customer String,       -- that the message was about; of a merge the primary
    customer_kind LowCardinality(String),
    linked String,
    -- With an empty `linked`: behind a `cio_id` empty, or cio if that was a link; else `_update`.
    linked_kind LowCardinality(String),
    kind LowCardinality(String),         -- of the message: identify, merge, form, …
    must_exist Bool,       -- it creates nobody: `_update`
    id String,             -- of the message
    endpoint LowCardinality(String),
    received_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (subject_hash, linked_hash, version, linked_kind)
SETTINGS index_granularity = 256
