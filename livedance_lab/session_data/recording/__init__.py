"""Recordings on disk: written as things happen, opened whatever happened since.

Nothing is imported here: the server writes recordings and must not load what reading them takes (pandas).
"""
