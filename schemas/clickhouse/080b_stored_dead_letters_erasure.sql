-- What the views and purge find the dead letters of an erased customer by: the record's key says whose it is. `status`
-- is `erased` in a row of which nothing but its place is left.
ALTER TABLE stored_dead_letters
    ADD COLUMN IF NOT EXISTS workspace LowCardinality(String),
    ADD COLUMN IF NOT EXISTS subject_hash UInt128,  -- of the key, see `erasure_key`
    ADD COLUMN IF NOT EXISTS version UInt128        -- by its append time: nobody could read another from it
