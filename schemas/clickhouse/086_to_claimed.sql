-- Fills `stored_claimed`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_claimed TO stored_claimed AS
SELECT linked_hash, subject_hash, min(version) AS first_version
FROM stored_claims
WHERE linked_hash > 1
GROUP BY linked_hash, subject_hash
