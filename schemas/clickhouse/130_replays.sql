-- One row is how far a replay has come: what `penstock replay --resume` goes on from, on any machine.
-- Key: a keyed hash of its options, which may name a customer who asks to be forgotten. The last change wins. A position
-- is kept after its insert was confirmed, so a lost one repeats work and no more. Kept for ninety days.
CREATE TABLE IF NOT EXISTS replays
(
    replay UInt128,                                   -- hash of the options
    source LowCardinality(String),                    -- journal, log or dead-letters
    status LowCardinality(String),                    -- started, finished
    since UInt64,                                     -- ms, what an age like 2h meant at the start; 0: no bound
    until UInt64,
    positions Array(Tuple(String, UInt32, UInt64)),   -- log, partition, next offset
    records UInt64,                                   -- replayed so far
    changed_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY replay
TTL toDateTime(changed_at) + INTERVAL 90 DAY
