-- One row is what a purge is about to take from a table: what its rows of one version say of one subject. A removal names
-- them here, so that of many people it is one statement too. What is here never changes: what a removal does never depends on
-- when ClickHouse gets round to it.
CREATE TABLE IF NOT EXISTS removals
(
    removal String,            -- a name of its own
    subject_hash UInt128,
    version UInt128,           -- of the rows; of a deletion's own row one less, so each is below the erasure's
    rows UInt64,
    partitions Array(String),  -- where they are
    waits Bool,                -- nothing of this subject goes by this removal
    found_at DateTime('UTC') DEFAULT now('UTC')
)
ENGINE = MergeTree
ORDER BY (removal, subject_hash)
TTL found_at + INTERVAL 30 DAY
