"""How long an inference takes on this machine, and which pose model suits it."""

from __future__ import annotations

from statistics import median

from livedance_lab.clock import now_s
from livedance_lab.errors import LiveDanceError
from livedance_lab.estimators.base import factory
from livedance_lab.estimators.model_store import Progress, ensure
from livedance_lab.media.video import VideoSource
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings

__all__ = ["inference_ms", "suitable_complexity"]

SLOW_MS = 50.0
"""A pose inference that takes longer gives fewer than 20 results per second and lane: quick movement is missed."""

_N_INFERENCES = 10


def inference_ms(kind: str, settings: Settings | None = None) -> float:
    """Median time of an inference on the first picture of the sample clip, in which there is a person, ms.

    Parameters
    ----------
    kind : str
        "pose" or "hands".
    settings : Settings, optional

    Raises
    ------
    LiveDanceError
        If a model, the runtime or the clip is missing.
    """
    with VideoSource(sample_path()) as source:
        image = next(iter(source)).rgb
    estimator = factory("mediapipe")(kind, settings or Settings())
    took_ms = []
    for n in range(_N_INFERENCES):
        start_s = now_s()
        estimator.estimate(image, 33 * n)
        took_ms.append((now_s() - start_s) * 1000)
    estimator.close()
    return median(took_ms)


def suitable_complexity(progress: Progress | None = None) -> tuple[int, str]:
    """The pose model for this machine: full, or lite where full is slow and lite can be had.

    Returns
    -------
    int
        `Settings.complexity`: 1 or 0.
    str
        The reason, with the measured time.

    Raises
    ------
    LiveDanceError
        If the full model cannot be used either.
    """
    ensure("pose", 1, progress)
    full_ms = inference_ms("pose")
    measured = f"a full pose takes {full_ms:.0f} ms on this machine"
    if full_ms <= SLOW_MS:
        return 1, f"full, because {measured}, at most {SLOW_MS:.0f} ms"
    try:
        ensure("pose", 0, progress)
    except LiveDanceError as exc:
        return 1, f"full, although {measured}, because lite is missing: {exc}"
    return 0, f"lite, because {measured}, more than {SLOW_MS:.0f} ms"
