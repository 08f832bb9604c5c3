"""Recordings on disk: written while a session runs, readable even after a crash.

This file imports nothing: the server writes recordings and must not load pandas, which only reading needs.
"""
