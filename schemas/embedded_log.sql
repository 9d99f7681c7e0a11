-- The embedded log: one SQLite file that the edge writes and the worker reads. Run once, in one transaction.
-- The application id says whose file it is ("Pnst"); user_version is the version of this layout.
PRAGMA application_id = 1349415796;
PRAGMA user_version = 1;

-- One row is one record. Offsets are never used again, not even after the newest record was deleted.
CREATE TABLE records (
    offset INTEGER PRIMARY KEY AUTOINCREMENT,
    -- when it was appended, ms since 1970; never below that of the record before
    at     INTEGER NOT NULL,
    key    BLOB NOT NULL,
    value  BLOB NOT NULL
) STRICT;

-- One row for ever: an offset means something only together with the file it was given in.
CREATE TABLE generation (
    id TEXT NOT NULL
) STRICT;

INSERT INTO generation (id) VALUES (lower(hex(randomblob(16))));
