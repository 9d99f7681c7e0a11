-- One row is one message of the rarer kinds, or one that names others than its subject; it passes through and is kept
-- nowhere. The tables of those kinds are filled from here: a block of nothing but events, identifies and deletions, as
-- most are, comes to none of their views.
CREATE TABLE IF NOT EXISTS others
(
    workspace LowCardinality(String),
    kind LowCardinality(String),
    customer_kind LowCardinality(String),
    customer String,
    subject_hash UInt128,  -- see `erasure_key`
    id String,
    name String,
    target String,
    links Array(Tuple(kind String, identifier String, hash UInt128)),
    relationships Array(Tuple(kind String, identifier String, hash UInt128, attributes Array(Tuple(String, String)))),
    recipient_hash UInt128,  -- 0 if nobody is named
    timestamp DateTime64(3, 'UTC'),
    sent_timestamp String,
    received_at DateTime64(3, 'UTC'),
    attributes Array(Tuple(String, String)),
    data String,
    context String,
    version UInt128
)
ENGINE = Null
