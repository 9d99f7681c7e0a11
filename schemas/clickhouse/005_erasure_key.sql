-- The secret of this database: what is kept for ever of somebody who was erased is a hash under this key. Made once, by
-- whichever migration comes first, which is why it is a view: its making is one step. Whoever only reads has no right to it.
CREATE VIEW IF NOT EXISTS erasure_key AS
SELECT toUInt64({random}) AS k0, toUInt64({random}) AS k1
