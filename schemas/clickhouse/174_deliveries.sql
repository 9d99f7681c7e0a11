-- One row is one metric of one delivery, as last reported. Exact as soon as the insert is done: nothing that went to a
-- deleted customer, who is known by the recipient alone.
CREATE OR REPLACE VIEW deliveries AS
SELECT
    stored.workspace AS workspace,
    stored.delivery_id AS delivery_id,
    stored.metric AS metric,                                  -- delivered, opened, clicked, …
    argMax(stored.timestamp, stored.version) AS timestamp,    -- when it happened by the client's word, else when it came
    argMax(stored.sent_timestamp, stored.version) AS sent_timestamp,  -- the client's own text of it
    argMax(stored.recipient, stored.version) AS recipient,
    argMax(stored.reason, stored.version) AS reason,
    argMax(stored.href, stored.version) AS href,
    argMax(stored.device_id, stored.version) AS device_id,
    argMax(stored.id, stored.version) AS id,
    argMax(stored.received_at, stored.version) AS received_at
FROM stored_deliveries AS stored FINAL
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.recipient_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
GROUP BY workspace, delivery_id, metric
SETTINGS analyzer_inline_views = 1
