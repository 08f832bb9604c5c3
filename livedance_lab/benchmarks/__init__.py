"""Benchmarks of speed: designs, many clients, a simulation, encodings, forms of a result."""
