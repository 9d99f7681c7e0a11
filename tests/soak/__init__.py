"""The long run: steady load, faults from a seeded schedule, then an audit. `python -m tests.soak --help`."""
