-- One row is one identifier of a customer, or one object, that a message brought into being: of those who were not deleted,
-- or came back since. A `cio_id` is among them: whose it is, `overrides` tells.
CREATE OR REPLACE VIEW seen AS
SELECT
    ever.workspace AS workspace,
    ever.customer AS customer,
    ever.customer_kind AS customer_kind,
    ever.subject_hash AS subject_hash,    -- see `erasure_key`
    if(returned.first_version > 0, returned.first_version, ever.first_version) AS first_version,
    ever.last_version AS last_version,
    bitShiftRight(erased.below, 86) AS life  -- ms, when it was deleted last before; 0: never
FROM stored_customers AS ever FINAL
LEFT ANY JOIN erased_subjects AS erased ON ever.subject_hash = erased.subject_hash
LEFT ANTI JOIN erased_workspaces AS gone
    ON ever.workspace = gone.workspace AND ever.last_version < gone.version
LEFT JOIN
(
    -- Of those who were deleted, or whose workspace was, and came back: their first message since.
    SELECT since.subject_hash AS subject_hash, min(since.version) AS first_version
    FROM
    (
        SELECT workspace, customer, customer_kind, subject_hash, version FROM stored_identifies
        UNION ALL
        SELECT workspace, customer, customer_kind, subject_hash, version
        FROM packed_events FINAL
        WHERE customer_kind NOT IN ('anon', 'invite')
    ) AS since
    LEFT ANY JOIN erased_subjects AS erased ON since.subject_hash = erased.subject_hash
    LEFT ANY JOIN (SELECT workspace, max(version) AS version FROM erased_workspaces GROUP BY workspace) AS gone
        ON since.workspace = gone.workspace
    WHERE since.version >= erased.below AND since.version >= gone.version
    -- By what the tables are sorted by, and of nobody who stays away: of many who were deleted few come back.
    AND (since.workspace, since.customer, since.customer_kind) IN (
        SELECT known.workspace, known.customer, known.customer_kind
        FROM stored_customers AS known
        LEFT ANY JOIN erased_subjects AS erased ON known.subject_hash = erased.subject_hash
        LEFT ANY JOIN (SELECT workspace, max(version) AS version FROM erased_workspaces GROUP BY workspace) AS gone
            ON known.workspace = gone.workspace
        WHERE greatest(erased.below, gone.version) > 0 AND known.last_version >= greatest(erased.below, gone.version)
    )
    GROUP BY subject_hash
) AS returned
    ON ever.subject_hash = returned.subject_hash
WHERE ever.last_version >= erased.below
-- As in `events`.
SETTINGS optimize_move_to_prewhere_if_final = 1, join_use_nulls = 0, analyzer_inline_views = 1
