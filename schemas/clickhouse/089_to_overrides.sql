-- Fills `stored_overrides`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_overrides TO stored_overrides AS
SELECT subject_hash, founder_hash, life, joined, absorbed, until, beyond, override = 'active' AS active, resolved_at
FROM stored_people
WHERE override != 'never'
