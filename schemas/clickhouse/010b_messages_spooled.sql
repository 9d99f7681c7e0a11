-- A message that an edge may have kept in its spool counts no later than that, whenever it reached the log: a late one
-- never overrules what was written or deleted meanwhile through another edge.
ALTER TABLE messages
    ADD COLUMN IF NOT EXISTS spooled_at Float64 AFTER received_at,  -- seconds; 0 if its edge has no spool
    MODIFY COLUMN effective_at UInt64 MATERIALIZED least(
        if(kind = 'identify' AND sent_timestamp != '', toUInt64(greatest(timestamp, 0) * 1000), _at),
        if(spooled_at > 0, toUInt64(spooled_at * 1000), _at),
        _at
    )
