-- Once: the hash and the version of rows that are older than the columns, so that purge finds them.
ALTER TABLE journal UPDATE
    subject_hash = assumeNotNull(reinterpretAsUInt128(sipHash128Keyed(
        (SELECT (k0, k1) FROM erasure_key), workspace || '\0' || subject
    ))),
    version = bitShiftLeft(
            toUInt128(if(kind = 'identify' AND sent_timestamp != '', least(toUInt64(greatest(timestamp, 0) * 1000), _at), _at)),
            86
        ) + bitShiftLeft(toUInt128(_at), 44) + toUInt128(_offset)
WHERE subject_hash = 0
SETTINGS mutations_sync = 1
