-- One row is one record on its way into `stored_dead_letters`; it passes through and is kept nowhere.
CREATE TABLE IF NOT EXISTS buried
(
    _log LowCardinality(String),
    _partition UInt32,
    _offset UInt64,
    _at UInt64,
    key String,
    value String,
    headers Array(Tuple(String, String)),
    reason String,
    code Int32,
    status LowCardinality(String),
    changed_at DateTime64(3, 'UTC')
)
ENGINE = Null
