-- One row is how far a partition's people are resolved, and one with an empty log what a worker resolves just now.
-- Key: the log, the partition and the worker. Maxima: what came before was resolved, also if it comes once more.
CREATE TABLE IF NOT EXISTS resolutions
(
    _log LowCardinality(String),
    _partition UInt32,
    worker String,
    _offset SimpleAggregateFunction(max, UInt64),  -- the last one
    _at SimpleAggregateFunction(max, UInt64),      -- its append time in ms
    high SimpleAggregateFunction(max, UInt128),    -- the highest version that made somebody who they are
    resolved_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) DEFAULT now64(3, 'UTC')
)
ENGINE = AggregatingMergeTree
ORDER BY (_log, _partition, worker)
TTL toDateTime(resolved_at) + INTERVAL 30 DAY
