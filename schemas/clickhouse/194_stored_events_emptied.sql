-- All of it is in `packed_events`. The table stays: of two migrations at once the other one may still be where it is altered.
ALTER TABLE stored_events DROP PARTITION ALL SETTINGS max_partition_size_to_drop = 0
