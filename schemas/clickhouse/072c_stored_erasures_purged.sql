-- A purge took what was said of those whom the deletion hit: who they were is settled, and what is older and comes after that
-- links nobody else to them. See `workers/people`.
ALTER TABLE stored_erasures
    ADD COLUMN IF NOT EXISTS purged SimpleAggregateFunction(max, Bool) DEFAULT false
