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
    target,
    links,
    relationships,
    timestamp,
    sent_timestamp,
    filed_at,
    received_at,
    spooled_at,
    attributes,
    data,
    fingerprint,
    context,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash,
    arrayMap(
        other -> assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
            (SELECT (k0, k1) FROM erasure_key), messages.workspace || '\0' || other
        ))),
        arrayConcat(links, relationships.1, if(recipient = '', [], [recipient]))
    ) AS other_hashes,
    version
FROM messages
