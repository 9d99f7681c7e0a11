"""Log in, ClickHouse out. The worker's promise: offsets move only after ClickHouse has the rows."""
