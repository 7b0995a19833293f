"""Benchmarks: ratios of times within one run. `python -m benchmarks.<name>`."""
