-- Of an attribute that is an identifier one row is kept for each that was ever said, not only the last: which of them its
-- customer has is decided by what else is known of it, see `stored_refusals`.
ALTER TABLE stored_attributes
    -- Of the identifier that the value is, see `erasure_key`. Of any other 0, or 1 if it was said of somebody who had to be
    -- known already, `_update`: it may not count.
    ADD COLUMN IF NOT EXISTS linked_hash UInt128,
    MODIFY ORDER BY (workspace, customer, customer_kind, name, linked_hash)
