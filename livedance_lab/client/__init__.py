"""The Python side of a connection: sends frames, receives results, reads the log."""

from livedance_lab.client.live_client import LiveClient
from livedance_lab.client.session import LiveSession

__all__ = ["LiveClient", "LiveSession"]
