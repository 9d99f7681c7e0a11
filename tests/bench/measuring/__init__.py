"""What benchmarks share: processes that are measured, a load, messages, and how it is told."""
