"""The APIs, each a thin translation into the same messages: Track v1, Track v2, Data Pipelines."""
