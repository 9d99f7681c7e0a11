-- Once: of whom a purge left nothing before it said so.
INSERT INTO stored_erasures
SELECT * REPLACE (true AS purged)
FROM stored_erasures AS known FINAL
WHERE NOT known.purged AND kind != 'unsuppress'
AND hidden_at + INTERVAL 1 MINUTE < (SELECT max(started_at) FROM purges WHERE survivors = 0)
