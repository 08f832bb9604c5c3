"""Whole runs: the demo, the benchmark, the evaluation. Each starts real servers and streams real pictures."""
