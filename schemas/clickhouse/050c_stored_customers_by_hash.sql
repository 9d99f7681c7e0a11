-- A `cio_id` names a customer by the hash alone.
ALTER TABLE stored_customers ADD INDEX IF NOT EXISTS by_hash subject_hash TYPE bloom_filter(0.01) GRANULARITY 1
