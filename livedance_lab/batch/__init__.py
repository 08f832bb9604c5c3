"""Analyses every frame of whole video files, on the cores of one machine or on a Dask cluster.

`analyze_videos` is the function, ``livedance analyze`` is its command line.
"""

from livedance_lab.batch.executors import analyze_videos, run_jobs
from livedance_lab.batch.jobs import Outcome, VideoJob, plan_jobs

__all__ = ["Outcome", "VideoJob", "analyze_videos", "plan_jobs", "run_jobs"]
