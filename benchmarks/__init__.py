"""Measurements of speed, memory and their growth; see `benchmarks/README.md`."""
