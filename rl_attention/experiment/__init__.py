"""Experiments as data: a config in, a run folder out."""
