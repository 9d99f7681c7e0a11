-- Fills `stored_members`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_members TO stored_members AS
SELECT founder_hash, subject_hash
FROM stored_people
WHERE founder_hash != 0
