-- What purge finds rows by, and a trace. `kind` is `erased` in a row of which nothing but its place is left.
ALTER TABLE journal
    ADD COLUMN IF NOT EXISTS spooled_at Float64 AFTER received_at,
    ADD COLUMN IF NOT EXISTS subject_hash UInt128,  -- of the record's key, see `erasure_key`
    ADD COLUMN IF NOT EXISTS version UInt128,
    ADD INDEX IF NOT EXISTS by_id id TYPE bloom_filter GRANULARITY 4
