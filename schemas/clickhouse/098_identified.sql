-- One row is somebody anonymous who was identified, and when last: a person, even if nobody else ever claimed them, unless
-- they were deleted since.
CREATE OR REPLACE VIEW identified AS
SELECT known.subject_hash AS subject_hash, known.last_version AS last_version
FROM stored_identified AS known FINAL
LEFT ANTI JOIN erased_workspaces AS gone
    ON known.workspace = gone.workspace AND known.last_version < gone.version
