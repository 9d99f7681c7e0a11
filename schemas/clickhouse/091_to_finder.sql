-- Fills `stored_finder`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_finder TO stored_finder AS
SELECT workspace, customer, customer_kind, subject_hash, joined, resolved_at
FROM stored_people
WHERE customer_kind != ''
