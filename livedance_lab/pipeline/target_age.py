"""Adapts quality to a target age of results: lowers it step by step while results are older, and restores it later.

What makes the results old determines the first step: smaller images if transit takes longest, else fewer hands
inferences, then a lighter pose model. When results are much younger than the target, the steps are undone in reverse
order. If quality has to be lowered again after such an undo, the controller waits longer before the next undo.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from livedance_lab.pose import FrameRecord
from livedance_lab.settings import Settings

__all__ = ["Step", "TargetAgeController"]

_CHECK_EVERY_S = 1.0
_MIN_RESULTS = 3  # of one check
_TOO_OLD, _WELL_BELOW = 1.1, 0.75  # fractions of the target
_CHECKS_TOO_OLD, _CHECKS_WELL_BELOW = 2, 4  # in a row
_SETTLE_S = 2.0  # from a change to the next check
_UNDO_AFTER_S = (5.0, 80.0)  # least time from a change to the undo of a step: first value, and upper limit
_SHORT_SIDE_FACTOR, _SHORT_SIDE_STEP_PX, _SHORT_SIDE_MIN_PX = 0.75, 16, 192
_HANDS_FACTOR, _HANDS_MIN_HZ, _HANDS_UNCAPPED_HZ = 0.5, 2.0, 30.0


@dataclass(frozen=True)
class Step:
    """A change of settings, and the reason.

    Attributes
    ----------
    name : str
        "cheaper", "better", "off" (the target was switched off) or "out of reach" (nothing is left to change).
    changes : dict
        Settings to change.
    data : dict
        The figures on which the decision rests, for the event log.
    """

    name: str
    changes: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Medians:
    """Medians of the results of one check, ms: age = transit (capture to reception, and decoding) + wait + work."""

    age_ms: float
    transit_ms: float
    wait_ms: float
    work_ms: float


class TargetAgeController:
    """Watches the results of one session and decides when a setting should change.

    Parameters
    ----------
    has_model : callable
        Whether the pose model of a complexity is stored on this machine: none is downloaded during a session.
    """

    def __init__(self, has_model: Callable[[int], bool]) -> None:
        self._has_model = has_model
        self._rows: list[tuple[float, float, float]] = []  # age, transit and wait of each result since the last check
        self._next_check_s = -math.inf
        self._too_old = self._well_below = 0  # checks in a row
        self._steps: list[tuple[str, Any, Any]] = []  # setting, its value before, its value after
        self._changed_s = -math.inf
        self._last_was_undo = False
        self._undo_after_s = _UNDO_AFTER_S[0]
        self._out_of_reach = False

    def add(self, record: FrameRecord) -> None:
        """Note the times of a result."""
        times, stage_ms = record.times, record.stage_ms
        age_ms = (times.t_emit_s - times.t_capture_s) * 1000
        transit_ms = (times.t_receive_s - times.t_capture_s) * 1000 + stage_ms.get("decode", 0.0)
        if math.isfinite(age_ms) and math.isfinite(transit_ms):
            self._rows.append((age_ms, transit_ms, stage_ms.get("wait", 0.0)))

    def check(self, now_s: float, settings: Settings) -> Step | None:
        """Compare the results with the target, once per second; return a step if one is due."""
        if not settings.target_age_ms:
            self._rows.clear()
            return self._switch_off(settings)
        if now_s < self._next_check_s:
            return None
        rows, self._rows, self._next_check_s = self._rows, [], now_s + _CHECK_EVERY_S
        if len(rows) < _MIN_RESULTS:
            return None
        age_ms, transit_ms, wait_ms = (median(column) for column in zip(*rows, strict=True))
        medians = _Medians(age_ms, transit_ms, wait_ms, max(age_ms - transit_ms - wait_ms, 0.0))
        self._too_old = self._too_old + 1 if age_ms > _TOO_OLD * settings.target_age_ms else 0
        self._well_below = self._well_below + 1 if age_ms < _WELL_BELOW * settings.target_age_ms else 0
        self._forget_changed_by_user(settings)
        if self._too_old >= _CHECKS_TOO_OLD:
            return self._lower(now_s, settings, medians)
        if self._well_below >= _CHECKS_WELL_BELOW and self._steps and now_s >= self._changed_s + self._undo_after_s:
            return self._undo(now_s, settings, medians)
        return None

    def _forget_changed_by_user(self, settings: Settings) -> None:
        """Forget the steps of settings that somebody else has changed since: their new value is kept."""
        ours = {name: after for name, _, after in self._steps}  # the last step of each setting
        kept = {name for name, after in ours.items() if getattr(settings, name) == after}
        self._steps = [step for step in self._steps if step[0] in kept]

    def _lower(self, now_s: float, settings: Settings, medians: _Medians) -> Step | None:
        changes = self._next_changes(settings, medians)
        if not changes:
            reported, self._out_of_reach = self._out_of_reach, True
            return None if reported else Step("out of reach", {}, _figures(settings, medians, {}))
        if self._last_was_undo:  # the better quality could not be kept
            self._undo_after_s = min(2 * self._undo_after_s, _UNDO_AFTER_S[1])
        self._steps += [(name, getattr(settings, name), value) for name, value in changes.items()]
        return self._changed("cheaper", now_s, settings, medians, changes)

    def _undo(self, now_s: float, settings: Settings, medians: _Medians) -> Step:
        name, before, _ = self._steps.pop()
        return self._changed("better", now_s, settings, medians, {name: before})

    def _switch_off(self, settings: Settings) -> Step | None:
        """Undo all steps at once, except those of settings that somebody else has changed since."""
        steps, self._steps = self._steps, []
        restored: dict[str, Any] = {}
        for name, before, after in reversed(steps):
            if restored.get(name, getattr(settings, name)) == after:
                restored[name] = before
        self._too_old = self._well_below = 0
        self._undo_after_s, self._out_of_reach = _UNDO_AFTER_S[0], False
        return Step("off", restored, {"changes": dict(restored)}) if restored else None

    def _changed(self, name: str, now_s: float, settings: Settings, medians: _Medians, changes: dict[str, Any]) -> Step:
        self._changed_s, self._next_check_s = now_s, now_s + _SETTLE_S
        self._rows, self._too_old, self._well_below = [], 0, 0
        self._last_was_undo, self._out_of_reach = name == "better", False
        return Step(name, changes, _figures(settings, medians, changes))

    def _next_changes(self, settings: Settings, medians: _Medians) -> dict[str, Any]:
        """The next step that is still possible; empty if there is none."""
        n_steps = round(settings.short_side_px * _SHORT_SIDE_FACTOR / _SHORT_SIDE_STEP_PX)
        side_px = max(_SHORT_SIDE_MIN_PX, n_steps * _SHORT_SIDE_STEP_PX)
        rate_hz = max(_HANDS_MIN_HZ, (settings.hands_max_hz or _HANDS_UNCAPPED_HZ) * _HANDS_FACTOR)
        lighter = settings.complexity - 1
        image = {"short_side_px": side_px} if side_px < settings.short_side_px else {}
        hands = {"hands_max_hz": rate_hz} if settings.hands and rate_hz < (settings.hands_max_hz or math.inf) else {}
        model = {"complexity": lighter} if lighter >= 0 and self._has_model(lighter) else {}
        order = (image, hands, model) if _is_transit_longest(medians) else (hands, model, image)
        return next((changes for changes in order if changes), {})


def _is_transit_longest(medians: _Medians) -> bool:
    """Whether transit takes more than half of the age."""
    return medians.transit_ms > medians.age_ms / 2


def _figures(settings: Settings, medians: _Medians, changes: dict[str, Any]) -> dict[str, Any]:
    """Data of the step's event; stored recordings have the keys."""
    return {
        "target_ms": settings.target_age_ms,
        "age_ms": round(medians.age_ms, 1),
        "way_ms": round(medians.transit_ms, 1),
        "wait_ms": round(medians.wait_ms, 1),
        "work_ms": round(medians.work_ms, 1),
        "reason": "transit" if _is_transit_longest(medians) else "waiting and inference",
        "changes": dict(changes),
    }
