"""Recordings on disk: written as things happen, opened whatever happened since."""
