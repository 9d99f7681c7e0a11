-- One row is one delivery whose reader wants no more of them. Whose it was, only the sender knows. Exact as soon as the
-- insert is done.
CREATE OR REPLACE VIEW unsubscribes AS
SELECT
    stored.workspace AS workspace,
    stored.delivery_id AS delivery_id,
    fromUnixTimestamp64Milli(toInt64(bitShiftRight(stored.version, 86)), 'UTC') AS unsubscribed_at  -- the last time
FROM stored_unsubscribes AS stored FINAL
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
WHERE stored.unsubscribed
SETTINGS analyzer_inline_views = 1
