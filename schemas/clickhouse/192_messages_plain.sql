-- To put the text of each row into a dictionary while it is read costs as much as to read the row; a whole block at once,
-- on its way into the tables, costs next to nothing.
ALTER TABLE messages
    MODIFY COLUMN _log String,
    MODIFY COLUMN workspace String,
    MODIFY COLUMN kind String
