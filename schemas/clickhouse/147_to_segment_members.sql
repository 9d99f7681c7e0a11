-- Fills `stored_segment_members`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_segment_members TO stored_segment_members AS
SELECT
    workspace,
    target AS segment_id,
    customer,
    customer_kind,
    kind,
    version,
    subject_hash
FROM others
WHERE kind IN ('add_to_segment', 'remove_from_segment')
