"""How accurate results are: against ground truth and against other designs."""
