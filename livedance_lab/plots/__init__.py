"""Figures of finished sessions, and live plots."""
