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
    spooled_at,
    attributes,
    data,
    context,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash,
    version
FROM messages
