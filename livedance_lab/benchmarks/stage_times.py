"""What each step of a frame takes: measured on this machine, or given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.client.session import LiveSession
from livedance_lab.errors import SettingsError
from livedance_lab.launcher import LiveServer
from livedance_lab.session_data.data import SessionData
from livedance_lab.session_data.summary import conserved, summarise
from livedance_lab.settings import Settings

__all__ = ["StageTimes", "stages_here"]

_SPREAD = 0.15  # of given times: the standard deviation of their logarithm, as on a machine with other work
_WARM_S = 1.0


@dataclass(frozen=True)
class StageTimes:
    """What each step takes, ms.

    Attributes
    ----------
    pose_ms, hands_ms : ndarray of shape (N,)
        Estimator calls; a simulated call takes as long as one of them, drawn at random.
    decode_ms : float
        Bytes to pixels, once a frame.
    result_ms : float
        Angles, smoothing, encoding: what a lane does after its pose.
    travel_ms : float
        From capture to the server, and from the server back.
    """

    pose_ms: np.ndarray[Any, Any]
    hands_ms: np.ndarray[Any, Any]
    decode_ms: float = 1.0
    result_ms: float = 0.6
    travel_ms: float = 1.0

    @classmethod
    def of(cls, data: SessionData) -> StageTimes:
        """As a session on this machine has measured them."""
        done = data.frames[data.frames["state"] == "processed"]
        looks = done.loc[done["hands_ms"].diff() != 0, "hands_ms"].dropna()  # each look once, not each of its results
        if not len(done) or not len(looks):
            raise SettingsError(
                f"stage times need a person with hands: the clip gave {len(done)} poses and {len(looks)} "
                "looks at hands; give them instead, such as --stage-ms pose=12,hands=20."
            )
        medians = {
            name: float(done[f"{name}_ms"].median()) for name in ("decode", "downscale", "angles", "smoothing", "emit")
        }
        return cls(
            pose_ms=done["pose_ms"].to_numpy(float),
            hands_ms=looks.to_numpy(float),
            decode_ms=medians["decode"] + medians["downscale"],
            result_ms=medians["angles"] + medians["smoothing"] + medians["emit"],
            travel_ms=float((done["t_receive_s"] - done["t_capture_s"]).median() * 1000),
        )

    @classmethod
    def given(cls, words: str) -> StageTimes:
        """Medians such as ``pose=20,hands=30``; calls spread as on a machine with some other work (log-normal, 15 %).

        Raises
        ------
        SettingsError
            If a name is not one of pose, hands, decode, result and travel, a value is no positive number of ms, or pose
            or hands is not named.
        """
        values: dict[str, float] = {}
        for word in words.split(","):
            name, _, value = word.partition("=")
            try:
                values[name.strip()] = float(value)
            except ValueError:
                raise SettingsError(f"stage times are given as pose=20,hands=30 (ms), got {word!r}.") from None
        known = ("pose", "hands", "decode", "result", "travel")
        if {"pose", "hands"} - values.keys() or values.keys() - set(known) or not all(v > 0 for v in values.values()):
            raise SettingsError(
                f"stage times name pose, hands and perhaps {', '.join(known[2:])}, all > 0 ms; got {words!r}."
            )
        spread = np.exp(np.random.default_rng(0).normal(0.0, _SPREAD, 1000))
        spread /= np.median(spread)
        others = {f"{name}_ms": value for name, value in values.items() if name not in ("pose", "hands")}
        return cls(values["pose"] * spread, values["hands"] * spread, **others)

    def __str__(self) -> str:
        """The medians in one line."""
        return (
            f"pose {np.median(self.pose_ms):.1f} ms, hands {np.median(self.hands_ms):.1f} ms, decoding "
            f"{self.decode_ms:.1f} ms, result {self.result_ms:.1f} ms, travel {self.travel_ms:.1f} ms"
        )


def stages_here(source: Path, seconds: float = 4.0, fps: float = 60.0) -> tuple[StageTimes, dict[str, Any]]:
    """The default design on this machine, with every core at work: its stage times, and what it reached.

    Returns
    -------
    stages : StageTimes
    numbers : dict
        As `summarise` gives them, to compare with the simulation of as many cores.
    """
    clip = EncodedClip.read(source, Settings(), seconds)
    with LiveServer.start(reuse=False, port=0) as server, LiveSession.open(server) as session:
        session.stream(clip, seconds=_WARM_S + seconds, fps=fps, end=True)
        data = conserved(session.data(), "the measured run")
    return StageTimes.of(data), summarise(data, round(_WARM_S * fps))
