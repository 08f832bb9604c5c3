"""The tornado server: sockets and HTTP around the pipeline, and `LiveServer` to run it as its own process.

`LiveServer` needs no tornado, so importing this package does not load it.
"""

from livedance_lab.server.process import LiveServer

__all__ = ["LiveServer"]
