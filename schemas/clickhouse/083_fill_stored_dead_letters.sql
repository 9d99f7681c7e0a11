-- Once: the columns of rows that are older than they.
ALTER TABLE stored_dead_letters UPDATE
    workspace = substring(key, 1, toUInt64(greatest(position(key, '\0'), 1)) - 1),
    subject_hash = assumeNotNull(reinterpretAsUInt128(sipHash128Keyed((SELECT (k0, k1) FROM erasure_key), key))),
    version = bitShiftLeft(toUInt128(_at), 86) + bitShiftLeft(toUInt128(_at), 44) + toUInt128(_offset)
WHERE subject_hash = 0
SETTINGS mutations_sync = 1
