-- Said of a customer who had to be known already, `_update`: it may not count.
ALTER TABLE stored_relationships ADD COLUMN IF NOT EXISTS must_exist Bool
