-- One row is the last time that something was said of a relationship between a customer and an object: that it is, that it
-- is no more, or what one attribute of it is. People read the view `relationships`.
-- Key: the two, which of them said it, what was said, and its number among the ends that one message names, since that may
-- name one twice. The highest version wins, so repeats and late arrivals change nothing. Both ends are in the key: versions
-- of two subjects may be equal.
CREATE TABLE IF NOT EXISTS stored_relationships
(
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    object String,
    object_kind LowCardinality(String),  -- object or cio_object
    by_object UInt8,                     -- 1: the message was about the object
    part LowCardinality(String),         -- added, deleted or attribute
    name LowCardinality(String),         -- of the attribute
    number UInt32,                       -- of an attribute
    value String CODEC(ZSTD(1)),         -- its exact JSON text
    version UInt128,
    subject_hash UInt128,                -- of the customer, see `erasure_key`
    object_hash UInt128
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (workspace, customer, customer_kind, object, object_kind, by_object, part, name, number)
SETTINGS index_granularity = 1024
