-- A suppression deletes, and hides what comes until it ends; `unsuppress` is its end. `erased_subjects` tells what they
-- hide together.
ALTER TABLE stored_erasures
    ADD COLUMN IF NOT EXISTS kind SimpleAggregateFunction(any, LowCardinality(String)) DEFAULT 'delete' AFTER version
