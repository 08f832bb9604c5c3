"""Starts a server process, finds a running one, restarts it after a crash."""
