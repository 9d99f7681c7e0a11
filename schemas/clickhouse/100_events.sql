-- One row is one event, page or screen, exact as soon as the insert is done: no repeats, nothing of a deleted customer.
CREATE OR REPLACE VIEW events AS
SELECT
    stored.workspace AS workspace,
    stored.customer AS customer,            -- the identifier that was used
    stored.customer_kind AS customer_kind,  -- id, email, cio, anon or invite
    stored.id AS id,                        -- the client's if it was a ULID or UUID, else ours
    stored.client_id AS client_id,          -- the client's, if it was neither
    stored.kind AS kind,                    -- event, page or screen
    stored.name AS name,
    stored.timestamp AS timestamp,          -- when it happened by the client's word, else when it came
    stored.sent_timestamp AS sent_timestamp,  -- the client's own text of it
    stored.received_at AS received_at,
    stored.data AS data,                    -- the client's exact JSON
    stored.context AS context,              -- JSON: endpoint, ip, user_agent, flags
    stored.filed_at AS filed_at             -- its month decides the partition: name it beside `timestamp` to read less
FROM stored_events AS stored FINAL
LEFT ANTI JOIN erased_subjects AS erased
    ON stored.subject_hash = erased.subject_hash AND stored.version < erased.below
LEFT ANTI JOIN erased_workspaces AS gone
    ON stored.workspace = gone.workspace AND stored.version < gone.version
SETTINGS do_not_merge_across_partitions_select_final = 1
