"""Write data/golden/interpolation.json and filters.json again: ``python -m tests.unit.analysis.make_golden``.

Only after a deliberate change of the mathematics: the JavaScript twin and old recordings are held to them.
"""

import json
from pathlib import Path

import numpy as np

from livedance_lab.analysis.filters import FILTERS, make_filter
from livedance_lab.analysis.interpolation import ShownError, make_painter

FOLDER = Path(__file__).resolve().parents[3] / "data" / "golden"
MODES = {"latest": {}, "linear": {}, "hermite": {}, "predict": {}, "predict jumping": {"follow_s": 0},
         "predict calm": {"follow_s": 0.05, "damping_s": 0.03, "jerk_noise": 20}}  # fmt: skip


def motion(t_s):
    """Two landmarks in 2D: a swing with a kick in it, and a slow circle."""
    return np.array([[200 + 80 * np.sin(9 * t_s), 150 + 40 * np.cos(5 * t_s) + (60 if t_s > 0.5 else 0)],
                     [320 + 10 * np.sin(t_s), 400 - 30 * t_s]])  # fmt: skip


def results(step_s, age_s, until_s, seed=None):
    """Results at an even pace, or an uneven one: capture time, arrival time, values."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0, until_s, step_s)
    if seed is not None:
        times_s = times_s + rng.uniform(0, step_s * 0.9, len(times_s)).round(6)
        times_s[0] = 0.0
    ages_s = np.full(len(times_s), age_s) if seed is None else age_s + rng.uniform(0, 0.03, len(times_s)).round(6)
    arrivals_s = np.maximum.accumulate(times_s + ages_s)
    return [(round(t, 6), round(a, 6), motion(t).round(3)) for t, a in zip(times_s, arrivals_s, strict=True)]


def script(stream, until_s, paint_hz=60.0, **odd):
    """What happens in time order: results arrive, frames are painted, and whatever `odd` puts in between."""
    events = [(a, 0, {"add": v, "t_s": t, "arrival_s": a}) for t, a, v in stream]
    events += [(t, 1, {"paint": round(t, 6)}) for t in np.arange(0, until_s, 1 / paint_hz)]
    events += [(at, 2, event) for at, event in odd.get("extra", [])]
    return [event for _, _, event in sorted(events, key=lambda e: e[:2])]


def situations():
    even = results(1 / 30, 0.04, 0.8)
    blink = [
        (t, a, np.where(np.array([[0.2 < t < 0.3], [False]]), np.nan, v)) for t, a, v in results(1 / 30, 0.04, 0.6)
    ]
    paused = [s for s in results(1 / 30, 0.04, 1.0) if not 0.3 < s[0] < 0.65]
    twice = sorted([*even, *((t, a + 0.01, v + 5) for t, a, v in even[::4])], key=lambda s: s[1])
    return {
        "even pace, first at 0": script(even, 0.8),
        "uneven pace": script(results(1 / 25, 0.05, 0.8, seed=4), 0.8),
        "60 results per second": script(results(1 / 60, 0.04, 0.4), 0.4),
        "a landmark blinks": script(blink, 0.6),
        "a pause longer than the gap": script(paused, 1.0),
        "a result twice, and times that stand still": script(
            twice, 0.3, extra=[(0.2, {"paint": 0.15}), (0.2, {"paint": 0.15}), (0.21, {"paint": 0.21})]
        ),
        "reset in between": script(even, 0.6, extra=[(0.3, {"reset": True})]),
        "paints far apart": script(even, 0.8, paint_hz=3.0),
    }


def play(mode, params, events):
    """The events with what the painter showed, and what the error was, filled in."""
    painter, error, out = make_painter(mode, **params), ShownError(), []
    for event in events:
        if "add" in event:
            values = np.array(event["add"], dtype=float)
            off = error.compare(event["t_s"], values)
            painter.add(values, event["t_s"], event["arrival_s"])
            out.append({**event, "add": plain(values), "error": plain(off)})
        elif "paint" in event:
            shown = painter.paint(event["paint"])
            if shown is not None:
                error.painted(event["paint"], shown)
            out.append({**event, "shown": None if shown is None else plain(shown)})
        else:
            painter.reset()
            out.append(event)
    return out


def plain(values):
    """Numbers as JSON knows them: NaN is null."""
    rounded = np.asarray(values, dtype=float).round(6)
    return json.loads(json.dumps(np.where(np.isnan(rounded), None, rounded.astype(object)).tolist()))


def interpolation():
    out = []
    for name, params in MODES.items():
        mode = name.split()[0]
        for case, events in situations().items():
            played = play(mode, params, events)
            out.append({"name": f"{name}: {case}", "mode": mode, "params": params, "events": played})
    return out


def filters():
    """Every filter with its defaults on an uneven recording with a hole and a gap."""
    stream = results(1 / 25, 0.0, 1.2, seed=9)
    stream = [s for s in stream if not 0.6 < s[0] < 0.95]
    values = np.array([v for _, _, v in stream])
    values[7, 0] = np.nan
    out = []
    for name in sorted(FILTERS):
        smooth = make_filter(name, gap_reset_s=0.3)
        shown = [smooth(v, t, 120.0) for v, (t, _, _) in zip(values, stream, strict=True)]
        out.append({"name": name, "params": smooth.params, "gap_reset_s": 0.3, "scale": 120.0,
                    "t_s": [t for t, _, _ in stream], "values": plain(values), "smooth": plain(shown)})  # fmt: skip
    return out


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, cases in (("interpolation", interpolation()), ("filters", filters())):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
