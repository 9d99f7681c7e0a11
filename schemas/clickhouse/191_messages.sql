-- As in `010_messages.sql`, for messages of all kinds of `schemas/messages.py`. After all tables and views of theirs: until
-- then a worker of the release before finds such a message refused, and it is a dead letter that a replay mends.
-- One row is one record of the log, spliced with its place by the worker; it passes through and is kept nowhere.
CREATE TABLE IF NOT EXISTS messages
(
    _log LowCardinality(String),  -- the log's generation: two logs' offsets never mean the same record
    _partition UInt32,
    _offset UInt64,
    _at UInt64,                   -- append time in ms, never falling within a partition
    id String,
    client_id String,
    workspace LowCardinality(String),  -- empty only where the edge refused what it could not tell whose it is
    kind LowCardinality(String),
    subject String,
    name String,
    target String,                -- a device's token, a segment's id, a form's id
    links Array(String),          -- subjects that are the same one by this message
    relationships Array(Tuple(String, Array(Tuple(String, String)))),  -- the other ends, with what is said of each
    timestamp Float64,            -- seconds, as all times in a message
    sent_timestamp String,
    filed_at Float64 DEFAULT timestamp,
    received_at Float64,
    spooled_at Float64,           -- it counts no later than that, whenever it reached the log; 0 if its edge has no spool
    attributes Array(Tuple(String, String)),  -- name and exact JSON text
    data String DEFAULT '{}',
    fingerprint String,
    context String,
    customer_kind LowCardinality(String) MATERIALIZED substring(subject, 1, position(subject, ':') - 1),
    customer String MATERIALIZED substring(subject, position(subject, ':') + 1),
    -- Whom a delivery went to, as a subject, named as in a path: see `ingest.identifiers.of_customer`. Empty if nobody.
    recipient String MATERIALIZED if(
        kind = 'metric',
        arrayMap(
            name -> multiIf(
                name IN ('', 'null'), '',
                match(name, '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$'), 'email:' || lowerUTF8(name),
                startsWith(name, 'cio_') AND name != 'cio_', 'cio:' || substring(name, 5),
                'id:' || name
            ),
            arrayMap(
                pair -> if(startsWith(pair.2, '"'), JSONExtractString(pair.2), pair.2),
                arrayFilter(pair -> pair.1 = 'recipient', attributes)
            )
        )[1],
        ''
    ),
    effective_at UInt64 MATERIALIZED least(
        if(kind = 'identify' AND sent_timestamp != '', toUInt64(greatest(timestamp, 0) * 1000), _at),
        if(spooled_at > 0, toUInt64(spooled_at * 1000), _at),
        _at
    ),
    version UInt128 MATERIALIZED
        bitShiftLeft(toUInt128(effective_at), 86) + bitShiftLeft(toUInt128(_at), 44) + toUInt128(_offset),
    CONSTRAINT identified CHECK id != '' AND (workspace != '' OR kind = 'rejection') AND position(subject, ':') > 1,
    CONSTRAINT known_kind CHECK kind IN (
        'identify', 'delete', 'event', 'page', 'screen', 'suppress', 'unsuppress', 'merge', 'add_device', 'delete_device',
        'add_relationships', 'delete_relationships', 'add_to_segment', 'remove_from_segment', 'form', 'metric',
        'unsubscribe', 'rejection', 'telemetry'
    ),
    CONSTRAINT times_in_range CHECK
        timestamp BETWEEN -2208988800 AND 10413791999 AND received_at BETWEEN 0 AND 10413791999,
    CONSTRAINT data_is_an_object CHECK startsWith(data, '{')
)
ENGINE = Null
