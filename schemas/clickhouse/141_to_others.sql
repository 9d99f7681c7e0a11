-- Fills `others`.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_others TO others AS
SELECT
    workspace,
    kind,
    customer_kind,
    customer,
    assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject)))
        AS subject_hash,
    id,
    name,
    target,
    arrayMap(
        link -> (
            substring(link, 1, position(link, ':') - 1),
            substring(link, position(link, ':') + 1),
            assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
                (SELECT (k0, k1) FROM erasure_key), messages.workspace || '\0' || link
            )))
        ),
        messages.links
    ) AS links,
    arrayMap(
        other -> (
            substring(other.1, 1, position(other.1, ':') - 1),
            substring(other.1, position(other.1, ':') + 1),
            assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
                (SELECT (k0, k1) FROM erasure_key), messages.workspace || '\0' || other.1
            ))),
            other.2
        ),
        messages.relationships
    ) AS relationships,
    if(
        recipient = '',
        0,
        assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), workspace || '\0' || recipient)))
    ) AS recipient_hash,
    fromUnixTimestamp64Milli(toInt64(round(messages.timestamp * 1000)), 'UTC') AS timestamp,
    sent_timestamp,
    fromUnixTimestamp64Milli(toInt64(round(messages.received_at * 1000)), 'UTC') AS received_at,
    attributes,
    data,
    context,
    version
FROM messages
WHERE kind NOT IN ('identify', 'delete', 'event', 'page', 'screen') OR notEmpty(messages.links)
OR notEmpty(messages.relationships) OR customer_kind = 'cio'
OR has(messages.attributes, ('_update', 'true'))
