"""Starts a server as its own process, finds a running one, and restarts it after a crash.

Nothing here runs inside the server's process except `livedance_lab.launcher.discovery`, by which a server registers
itself; nothing here needs tornado.
"""

from livedance_lab.launcher.live_server import LiveServer, find_servers

__all__ = ["LiveServer", "find_servers"]
