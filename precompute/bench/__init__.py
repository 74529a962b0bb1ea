"""Benchmarks: every figure beside plain transformers in the same run."""
