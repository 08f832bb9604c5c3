"""Durations of the steps of a frame, measured on this machine or given by the user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.benchmarks.fresh_session import fresh_session
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.errors import SettingsError
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.summary import conserved, summarise
from livedance_lab.settings import Settings

__all__ = ["StageTimes", "measure_stage_times"]

_SPREAD = 0.15  # standard deviation of the logarithm of given times: as on a machine that runs other programs too
_WARM_S = 1.0


@dataclass(frozen=True)
class StageTimes:
    """Durations of the steps of a frame, ms.

    Attributes
    ----------
    pose_ms, hands_ms : ndarray of shape (N,)
        Durations of estimator calls; a simulated call takes one of them, drawn at random.
    decode_ms : float
        Decoding, once per frame.
    result_ms : float
        Angles, smoothing and encoding of the result, which the lane does after a pose.
    travel_ms : float
        Transit from capture to the server, and also from the server back.
    """

    pose_ms: np.ndarray[Any, Any]
    hands_ms: np.ndarray[Any, Any]
    decode_ms: float = 1.0
    result_ms: float = 0.6
    travel_ms: float = 1.0

    @classmethod
    def from_session(cls, data: SessionData) -> StageTimes:
        """The durations in a session's log."""
        done = data.frames[data.frames["state"] == "processed"]
        hands_ms = done.loc[
            done["hands_ms"].diff() != 0, "hands_ms"
        ].dropna()  # several results have the same inference
        if not len(done) or not len(hands_ms):
            raise SettingsError(
                f"stage times need a person with hands: the clip gave {len(done)} poses and {len(hands_ms)} "
                "hands inferences; give the times instead, such as --stage-ms pose=12,hands=20."
            )
        medians = {
            name: float(done[f"{name}_ms"].median()) for name in ("decode", "downscale", "angles", "smoothing", "emit")
        }
        return cls(
            pose_ms=done["pose_ms"].to_numpy(float),
            hands_ms=hands_ms.to_numpy(float),
            decode_ms=medians["decode"] + medians["downscale"],
            result_ms=medians["angles"] + medians["smoothing"] + medians["emit"],
            travel_ms=float((done["t_receive_s"] - done["t_capture_s"]).median() * 1000),
        )

    @classmethod
    def parse(cls, text: str) -> StageTimes:
        """Read medians such as ``pose=20,hands=30``; the calls' durations scatter around them (log-normal, 15 %).

        Raises
        ------
        SettingsError
            If a name is not one of pose, hands, decode, result and travel, a value is not a positive number, or pose or
            hands is missing.
        """
        values: dict[str, float] = {}
        for word in text.split(","):
            name, _, value = word.partition("=")
            try:
                values[name.strip()] = float(value)
            except ValueError:
                raise SettingsError(f"stage times are given as pose=20,hands=30 (ms), got {word!r}.") from None
        known = ("pose", "hands", "decode", "result", "travel")
        if {"pose", "hands"} - values.keys() or values.keys() - set(known) or not all(v > 0 for v in values.values()):
            raise SettingsError(
                f"stage times name pose, hands and perhaps {', '.join(known[2:])}, all > 0 ms; got {text!r}."
            )
        spread = np.exp(np.random.default_rng(0).normal(0.0, _SPREAD, 1000))
        spread /= np.median(spread)
        others = {f"{name}_ms": value for name, value in values.items() if name not in ("pose", "hands")}
        return cls(values["pose"] * spread, values["hands"] * spread, **others)

    def __str__(self) -> str:
        """The medians on one line."""
        return (
            f"pose {np.median(self.pose_ms):.1f} ms, hands {np.median(self.hands_ms):.1f} ms, decoding "
            f"{self.decode_ms:.1f} ms, result {self.result_ms:.1f} ms, travel {self.travel_ms:.1f} ms"
        )


def measure_stage_times(source: Path, seconds: float = 4.0, fps: float = 60.0) -> tuple[StageTimes, dict[str, Any]]:
    """Measure the default design on this machine, with every core in use.

    Returns
    -------
    stages : StageTimes
    figures : dict
        Those of `summarise`, to compare with a simulation of the same number of cores.
    """
    clip = EncodedClip.read(source, Settings(), seconds)
    with fresh_session() as (_, session):
        session.stream(clip, seconds=_WARM_S + seconds, fps=fps, end=True)
        data = conserved(session.data(), "the measured run")
    return StageTimes.from_session(data), summarise(data, round(_WARM_S * fps))
