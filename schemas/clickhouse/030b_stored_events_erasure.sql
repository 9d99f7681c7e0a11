-- The hash of the record's key, see `erasure_key`: what the views and purge find the rows of an erased customer by.
ALTER TABLE stored_events ADD COLUMN IF NOT EXISTS subject_hash UInt128
