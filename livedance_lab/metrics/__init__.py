"""Counting and measuring: the frame ledger, rates and percentiles."""
