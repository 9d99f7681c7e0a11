-- One row is one subject of which something is hidden: always all that is below a version, however its deletions and
-- suppressions came, so a table that keeps the last row of a key never hides a newer one behind an older.
CREATE OR REPLACE VIEW erased_subjects AS
WITH
    maxIf(version, kind = 'suppress') AS last_suppressed,
    maxIf(version, kind != 'unsuppress') AS last,
    -- The first unsuppress since; 0 if there is none.
    arrayMin(arrayFilter(each -> each > last_suppressed, groupArrayIf(version, kind = 'unsuppress'))) AS ended
SELECT
    subject_hash,
    multiIf(
        last_suppressed = 0, last,
        ended = 0, toUInt128('340282366920938463463374607431768211455'),
        greatest(last, ended)
    ) AS below,   -- what has a lower version is hidden: all, while a suppression lasts
    if(last_suppressed = 0, last, greatest(last, ended))
        AS settled  -- hidden for ever; an unsuppress that comes late frees no more than above
FROM all_erasures
GROUP BY subject_hash
HAVING last > 0
