-- Its rows are the text of the deletions, and are erased like all the rest: what stays is in `stored_erasures`.
ALTER TABLE erasures ADD COLUMN IF NOT EXISTS subject_hash UInt128
