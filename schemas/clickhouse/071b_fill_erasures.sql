-- Once: the hash of rows that are older than the column.
ALTER TABLE erasures UPDATE subject_hash = assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
    (SELECT (k0, k1) FROM erasure_key), workspace || '\0' || customer_kind || ':' || customer
)))
WHERE subject_hash = 0
SETTINGS mutations_sync = 1
