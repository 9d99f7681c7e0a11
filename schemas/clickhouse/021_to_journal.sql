-- Fills `journal`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_journal TO journal AS
SELECT
    _log,
    _partition,
    _offset,
    _at,
    id,
    client_id,
    workspace,
    kind,
    subject,
    name,
    timestamp,
    sent_timestamp,
    filed_at,
    received_at,
    attributes,
    data,
    context
FROM messages
