-- How far the worker has taken the embedded log: the offset of the last record whose rows ClickHouse has.
-- One row a generation. The worker writes it; the edge reads it, and deletes nothing from the log that is not taken.
CREATE TABLE IF NOT EXISTS positions (generation TEXT PRIMARY KEY, offset INTEGER NOT NULL) STRICT
