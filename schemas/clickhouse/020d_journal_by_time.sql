-- What came last is found without reading the week before it. Older rows go without it until they are merged, or a week old.
ALTER TABLE journal ADD INDEX IF NOT EXISTS by_time _at TYPE minmax GRANULARITY 1
