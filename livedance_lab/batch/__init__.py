"""Whole video files, every frame of them: on one machine's cores, or on a Dask cluster.

`analyze_videos` is the one function; `livedance analyze` is the same from the command line.
"""

from livedance_lab.batch.executors import analyze_videos
from livedance_lab.batch.jobs import Job, Outcome, plan

__all__ = ["Job", "Outcome", "analyze_videos", "plan"]
