-- One row is a partition of the log, and how far it is known whose the rows of its messages are: `person` of a later one
-- may still change without another message.
CREATE OR REPLACE VIEW resolved AS
SELECT
    _log AS log,
    _partition AS partition,
    max(_offset) AS offset,                -- the last one
    fromUnixTimestamp64Milli(toInt64(max(_at)), 'UTC') AS appended_at,  -- when it came to the log
    max(resolutions.resolved_at) AS resolved_at
FROM resolutions
WHERE _log != ''
GROUP BY log, partition
HAVING max(_at) > 0  -- else a worker has begun with it
