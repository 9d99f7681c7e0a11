-- The constraints of `messages` change, and those of a Null table cannot be altered: it goes, and the next file makes it
-- anew. It keeps no rows, and its views stay with the name. An insert in between is refused as a whole, for a missing
-- table, and its worker repeats it.
DROP TABLE IF EXISTS messages
