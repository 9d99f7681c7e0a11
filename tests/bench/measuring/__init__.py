"""What benchmarks share: processes that are measured, a load, and how it is told."""
