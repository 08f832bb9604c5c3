"""Starts a server as its own process, finds a running one, and restarts it after a crash.

Nothing here runs inside the server's process, and nothing here needs tornado.
"""

from livedance_lab.launcher.live_server import LiveServer

__all__ = ["LiveServer"]
