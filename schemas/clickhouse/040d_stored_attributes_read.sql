-- Who asks for one attribute of everybody reads all values there are, and to unpack them was a third of that. Parts that are
-- there stay until they are merged. The index tells where somebody was to be known already.
ALTER TABLE stored_attributes
    MODIFY COLUMN value CODEC(LZ4),
    ADD INDEX IF NOT EXISTS by_update (linked_hash = 1) TYPE minmax GRANULARITY 4
