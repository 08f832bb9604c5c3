"""Measures how accurate results are: against ground truth, and against other designs. Also the demo."""
