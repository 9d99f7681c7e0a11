-- Once: from where events were before. A repeat adds rows that fold. In small blocks: a server of little memory takes them too.
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
SETTINGS
    max_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 50000, min_insert_block_size_bytes = 8388608,
    max_partitions_per_insert_block = 0
