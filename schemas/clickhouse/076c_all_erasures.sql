-- One row is what one deletion did to one identifier: to the one that it named, or to another one of the same person.
CREATE OR REPLACE VIEW all_erasures AS
SELECT subject_hash, version, kind FROM stored_erasures
UNION ALL
SELECT subject_hash, version, kind FROM stored_derived_erasures FINAL WHERE kind != 'none'
