-- It filled `stored_events`. Events are in `packed_events` by now, whose view is there before this one goes.
DROP VIEW IF EXISTS to_events
