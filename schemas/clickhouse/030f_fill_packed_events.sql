-- Once: from where events were before. A repeat adds rows that fold.
INSERT INTO packed_events (
    workspace, customer, customer_kind, id, client_id, kind, name, filed_at, happened, sent_timestamp, delay, data, context,
    place, subject_hash
)
SELECT
    workspace, customer, customer_kind, id, client_id, kind, name, filed_at,
    toUnixTimestamp64Milli(timestamp) - toUnixTimestamp(filed_at) * 1000,
    sent_timestamp,
    toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(timestamp),
    data, context,
    toUInt128(version - bitShiftLeft(bitShiftRight(version, 86), 44)),
    -- Of rows that are older than the column.
    if(
        subject_hash = 0,
        assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
            (SELECT (k0, k1) FROM erasure_key), workspace || '\0' || customer_kind || ':' || customer
        ))),
        subject_hash
    )
FROM stored_events
SETTINGS max_partitions_per_insert_block = 0
