"""Recordings on disk: written as things happen, opened whatever happened since."""

from livedance_lab.recording.reader import Recording, StoredImage
from livedance_lab.recording.writer import RecordingWriter

__all__ = ["Recording", "RecordingWriter", "StoredImage"]
