-- One row is one customer in a segment that is filled by hand. Who is unknown is in none, until they are known. Exact as
-- soon as the insert is done.
CREATE OR REPLACE VIEW segment_members AS
SELECT
    stored.workspace AS workspace,
    stored.segment_id AS segment_id,
    stored.customer AS customer,
    stored.customer_kind AS customer_kind,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(stored.version, 86)), 'UTC') AS added_at  -- the last time
FROM stored_segment_members AS stored FINAL
INNER JOIN
(
    SELECT
        max(subject_hash) AS subject_hash,
        max(last_version) AS last_version
    FROM stored_customers
    GROUP BY workspace, customer, customer_kind
) AS known
    ON stored.subject_hash = known.subject_hash
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND least(stored.version, known.last_version) < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND least(stored.version, known.last_version) < gone.version
WHERE stored.kind = 'add_to_segment'
