-- One row is whose one identifier is, of all that ever were in a claim, as of the last finding of `workers/people`: it
-- follows from `stored_claims`, the deletions, and who was known when. Who was never linked to another identifier has no
-- row, and is a person by itself. A person is named by its founder, the identifier under which it was first known, and by
-- when that was deleted before, if ever: that is its `cio_id`.
-- Key: the identifier's hash. The finding that was made of what was read last wins.
CREATE TABLE IF NOT EXISTS stored_people
(
    subject_hash UInt128,
    workspace LowCardinality(String),
    customer String,
    customer_kind LowCardinality(String),
    founder_hash UInt128,     -- 0: nobody's now
    life UInt64,              -- ms, when the founder was deleted last before; 0: never
    joined UInt128,           -- the version from which on it is the person's; 0: nobody's
    absorbed Array(UInt128),  -- versions of the mergers in which its person became another, the last one first
    until UInt128,            -- an anonymous one's events above this version are not the person's
    beyond Bool,              -- there are such
    settled Array(UInt128),   -- identifiers of which no further claim of this one changes anything
    addressed Bool,           -- something was said under it, or may have been
    override Enum8('never' = 0, 'active' = 1, 'ended' = 2),  -- whether it has a row in `stored_overrides`
    last UInt128,             -- version of the last message that made its person what it is
    resolved_at UInt64        -- ns, when what it follows from was read
)
ENGINE = ReplacingMergeTree(resolved_at)
ORDER BY subject_hash
SETTINGS index_granularity = 256
