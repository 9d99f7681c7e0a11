"""Benchmarks: ratios against a baseline in the same run, since the machines are noisy. Never a timed test."""
