"""Holds results to an age the user has asked for: cheaper step by step while they are older, back when they are not.

What makes results old decides what is tried first: the pictures' way (smaller pictures), or the work (hands less often,
then a lighter pose model). Every step is undone in reverse when there is time to spare; a step back that could not be
kept is tried again later and later, so that nothing flutters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from livedance_lab.pose import FrameRecord
from livedance_lab.settings import Settings

__all__ = ["Step", "TargetAge"]

_LOOK_EVERY_S = 1.0
_FEWEST = 3  # results in a look
_TOO_OLD, _TO_SPARE = 1.1, 0.75  # of the target
_LOOKS_TOO_OLD, _LOOKS_TO_SPARE = 2, 4  # in a row
_SETTLE_S = 2.0  # after a change, before its effect is judged
_BACK_AGAIN_S = (5.0, 80.0)  # least time from a change to a step back: first, and longest
_SHORT_SIDE_SHARE, _SHORT_SIDE_STEP_PX, _SHORT_SIDE_LEAST_PX = 0.75, 16, 192
_HANDS_SHARE, _HANDS_LEAST_HZ, _HANDS_UNCAPPED_HZ = 0.5, 2.0, 30.0


@dataclass(frozen=True)
class Step:
    """What is to be done, and why.

    Attributes
    ----------
    name : str
        "cheaper", "better", "off" (the target was taken back) or "out of reach" (nothing is left to change).
    changes : dict
        Settings to change.
    data : dict
        The figures it was decided by, for the event log.
    """

    name: str
    changes: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Seen:
    """Medians over one look, ms: age = way + wait + work."""

    age_ms: float
    way_ms: float
    wait_ms: float
    work_ms: float


class TargetAge:
    """Watches the results of one session and says when a setting should change.

    Parameters
    ----------
    model_is_here : callable
        Whether the pose model of a complexity can be used at once: none is fetched in the middle of a session.
    """

    def __init__(self, model_is_here: Callable[[int], bool]) -> None:
        self._model_is_here = model_is_here
        self._rows: list[tuple[float, float, float]] = []
        self._next_look_s = -math.inf
        self._too_old = self._to_spare = 0
        self._done: list[tuple[str, Any, Any]] = []  # field, what it was, what we made of it
        self._changed_s = -math.inf
        self._last_was_better = False
        self._back_again_s = _BACK_AGAIN_S[0]
        self._out_of_reach = False

    def add(self, record: FrameRecord) -> None:
        """A result has left."""
        times, stage_ms = record.times, record.stage_ms
        age_ms = (times.t_emit_s - times.t_capture_s) * 1000
        way_ms = (times.t_receive_s - times.t_capture_s) * 1000 + stage_ms.get("decode", 0.0)
        if math.isfinite(age_ms) and math.isfinite(way_ms):
            self._rows.append((age_ms, way_ms, stage_ms.get("wait", 0.0)))

    def look(self, now_s: float, settings: Settings) -> Step | None:
        """Judge once a second; a step, if one is due."""
        if not settings.target_age_ms:
            self._rows.clear()
            return self._off(settings)
        if now_s < self._next_look_s:
            return None
        rows, self._rows, self._next_look_s = self._rows, [], now_s + _LOOK_EVERY_S
        if len(rows) < _FEWEST:
            return None
        age_ms, way_ms, wait_ms = (median(column) for column in zip(*rows, strict=True))
        seen = _Seen(age_ms, way_ms, wait_ms, max(age_ms - way_ms - wait_ms, 0.0))
        self._too_old = self._too_old + 1 if age_ms > _TOO_OLD * settings.target_age_ms else 0
        self._to_spare = self._to_spare + 1 if age_ms < _TO_SPARE * settings.target_age_ms else 0
        self._forget_what_others_changed(settings)
        if self._too_old >= _LOOKS_TOO_OLD:
            return self._cheaper(now_s, settings, seen)
        if self._to_spare >= _LOOKS_TO_SPARE and self._done and now_s >= self._changed_s + self._back_again_s:
            return self._better(now_s, settings, seen)
        return None

    def _forget_what_others_changed(self, settings: Settings) -> None:
        """The user's word counts, and is not taken back."""
        made = {name: value for name, _, value in self._done}  # of several steps of one setting, the last
        ours = {name for name, value in made.items() if getattr(settings, name) == value}
        self._done = [step for step in self._done if step[0] in ours]

    def _cheaper(self, now_s: float, settings: Settings, seen: _Seen) -> Step | None:
        changes = self._next_cheaper(settings, seen)
        if not changes:
            told, self._out_of_reach = self._out_of_reach, True
            return None if told else Step("out of reach", {}, _figures(settings, seen, {}))
        if self._last_was_better:  # it could not be kept
            self._back_again_s = min(2 * self._back_again_s, _BACK_AGAIN_S[1])
        self._done += [(name, getattr(settings, name), value) for name, value in changes.items()]
        return self._changed("cheaper", now_s, settings, seen, changes)

    def _better(self, now_s: float, settings: Settings, seen: _Seen) -> Step:
        name, before, _ = self._done.pop()
        return self._changed("better", now_s, settings, seen, {name: before})

    def _off(self, settings: Settings) -> Step | None:
        """Give back what was taken, as far as nobody else has changed it meanwhile."""
        done, self._done = self._done, []
        back: dict[str, Any] = {}
        for name, before, made in reversed(done):
            if back.get(name, getattr(settings, name)) == made:
                back[name] = before
        self._too_old = self._to_spare = 0
        self._back_again_s, self._out_of_reach = _BACK_AGAIN_S[0], False
        return Step("off", back, {"changes": dict(back)}) if back else None

    def _changed(self, name: str, now_s: float, settings: Settings, seen: _Seen, changes: dict[str, Any]) -> Step:
        self._changed_s, self._next_look_s = now_s, now_s + _SETTLE_S
        self._rows, self._too_old, self._to_spare = [], 0, 0
        self._last_was_better, self._out_of_reach = name == "better", False
        return Step(name, changes, _figures(settings, seen, changes))

    def _next_cheaper(self, settings: Settings, seen: _Seen) -> dict[str, Any]:
        """The first step that is left, of those that fit what makes results old."""
        steps = round(settings.short_side_px * _SHORT_SIDE_SHARE / _SHORT_SIDE_STEP_PX)
        smaller = max(_SHORT_SIDE_LEAST_PX, steps * _SHORT_SIDE_STEP_PX)
        rarer_hz = max(_HANDS_LEAST_HZ, (settings.hands_max_hz or _HANDS_UNCAPPED_HZ) * _HANDS_SHARE)
        picture = {"short_side_px": smaller} if smaller < settings.short_side_px else {}
        hands = {"hands_max_hz": rarer_hz} if settings.hands and rarer_hz < (settings.hands_max_hz or math.inf) else {}
        lighter = settings.complexity - 1
        model = {"complexity": lighter} if lighter >= 0 and self._model_is_here(lighter) else {}
        order = (picture, hands, model) if seen.way_ms > seen.age_ms / 2 else (hands, model, picture)
        return next((changes for changes in order if changes), {})


def _figures(settings: Settings, seen: _Seen, changes: dict[str, Any]) -> dict[str, Any]:
    """What the log should know."""
    return {
        "target_ms": settings.target_age_ms,
        "age_ms": round(seen.age_ms, 1),
        "way_ms": round(seen.way_ms, 1),
        "wait_ms": round(seen.wait_ms, 1),
        "work_ms": round(seen.work_ms, 1),
        "reason": "the pictures' way" if seen.way_ms > seen.age_ms / 2 else "waiting and work",
        "changes": dict(changes),
    }
