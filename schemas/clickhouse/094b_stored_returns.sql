-- One row is an event that brought an identifier into being again after an erasure, as of some finding of `workers/people`.
-- `stored_events` keeps the last of its repeats alone, so one that comes moves that, and it is decided anew who was who.
-- Few: who comes back mostly does so by an identify. One that is no more true costs nothing but such a decision.
-- Key: the identifier's hash and the event. The last version that was found wins.
CREATE TABLE IF NOT EXISTS stored_returns
(
    subject_hash UInt128,
    event String,  -- its id
    version UInt128,
    workspace LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (subject_hash, event)
SETTINGS index_granularity = 256
