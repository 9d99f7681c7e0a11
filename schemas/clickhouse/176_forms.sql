-- One row is one form that was ever sent in, also by a request that was refused. Exact as soon as the insert is done: what
-- a deleted customer sent in counts no more, nor what came under a `cio_id` that was nobody's.
CREATE OR REPLACE VIEW forms AS
SELECT
    stored.workspace AS workspace,
    stored.form_id AS form_id,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(min(stored.version), 86)), 'UTC') AS first_seen_at,
    countIf(stored.customer_kind != 'form') AS submissions,
    countIf(stored.customer_kind = 'form') AS refused
FROM stored_form_submissions AS stored FINAL
LEFT ANY JOIN overrides AS own ON stored.subject_hash = own.subject_hash
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.customer_kind != 'cio' OR own.founder_hash > 0 AND stored.version >= own.joined
GROUP BY workspace, form_id
SETTINGS join_use_nulls = 0, analyzer_inline_views = 1
