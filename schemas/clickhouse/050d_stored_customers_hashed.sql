-- Once: the index of rows that are older.
ALTER TABLE stored_customers MATERIALIZE INDEX by_hash SETTINGS mutations_sync = 1
