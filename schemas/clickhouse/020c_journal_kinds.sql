-- The columns that came to `messages`, and the hashes of everybody else whom a message names: what purge finds the rows by
-- in which somebody erased is no more than mentioned.
ALTER TABLE journal
    ADD COLUMN IF NOT EXISTS target String AFTER name,
    ADD COLUMN IF NOT EXISTS links Array(String) AFTER target,
    ADD COLUMN IF NOT EXISTS relationships Array(Tuple(String, Array(Tuple(String, String)))) CODEC(ZSTD(1)) AFTER links,
    ADD COLUMN IF NOT EXISTS fingerprint String AFTER data,
    ADD COLUMN IF NOT EXISTS other_hashes Array(UInt128) AFTER subject_hash
