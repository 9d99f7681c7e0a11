-- One row is one form that was ever sent in, also by a request that was refused. Exact as soon as the insert is done: what
-- a deleted customer sent in counts no more.
CREATE OR REPLACE VIEW forms AS
SELECT
    stored.workspace AS workspace,
    stored.form_id AS form_id,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(min(stored.version), 86)), 'UTC') AS first_seen_at,
    countIf(stored.customer_kind != 'form') AS submissions,
    countIf(stored.customer_kind = 'form') AS refused
FROM stored_form_submissions AS stored FINAL
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
GROUP BY workspace, form_id
