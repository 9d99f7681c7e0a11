-- One row is one record of the log, spliced with its place by the worker; it passes through and is kept nowhere.
-- Every table below is filled from here by a materialized view, so a transformation is SQL, and only SQL.
-- `version` decides which write wins, whatever the order of arrival: effective time in ms (42 bits, until 2109),
-- append time in ms (42 bits), offset (44 bits). One subject keeps to one partition, so the partition is not in it.
CREATE TABLE IF NOT EXISTS messages
(
    _log LowCardinality(String),  -- the log's generation: two logs' offsets never mean the same record
    _partition UInt32,
    _offset UInt64,
    _at UInt64,                   -- append time in ms, never falling within a partition
    id String,
    client_id String,
    workspace LowCardinality(String),
    kind LowCardinality(String),
    subject String,
    name String,
    timestamp Float64,            -- seconds, as all times in a message
    sent_timestamp String,
    filed_at Float64 DEFAULT timestamp,
    received_at Float64,
    attributes Array(Tuple(String, String)),  -- name and exact JSON text
    data String DEFAULT '{}',
    context String,
    customer_kind LowCardinality(String) MATERIALIZED substring(subject, 1, position(subject, ':') - 1),
    customer String MATERIALIZED substring(subject, position(subject, ':') + 1),
    effective_at UInt64 MATERIALIZED if(
        kind = 'identify' AND sent_timestamp != '',
        least(toUInt64(greatest(timestamp, 0) * 1000), _at),
        _at
    ),
    version UInt128 MATERIALIZED
        bitShiftLeft(toUInt128(effective_at), 86) + bitShiftLeft(toUInt128(_at), 44) + toUInt128(_offset),
    CONSTRAINT identified CHECK id != '' AND workspace != '' AND position(subject, ':') > 1,
    CONSTRAINT known_kind CHECK kind IN ('identify', 'delete', 'event', 'page', 'screen'),
    CONSTRAINT times_in_range CHECK
        timestamp BETWEEN -2208988800 AND 10413791999 AND received_at BETWEEN 0 AND 10413791999,
    CONSTRAINT data_is_an_object CHECK startsWith(data, '{')
)
ENGINE = Null
