import json
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate

from livedance_lab.analysis.filters import make_filter
from livedance_lab.analysis.interpolation import (
    MAX_GAP_S,
    MODES,
    BufferedPainter,
    ShownError,
    hermite,
    linear,
    make_painter,
)
from livedance_lab.errors import SettingsError, ShapeError
from tests.unit.analysis import make_golden


def as_array(values):
    return np.array(values, dtype=float)  # null becomes NaN


@pytest.mark.parametrize("case", json.loads((make_golden.FOLDER / "interpolation.json").read_text()),
                         ids=lambda c: c["name"])  # fmt: skip
def test_golden(case):
    """What the JavaScript twin is held to as well; every number was written by these functions once."""
    for before, after in zip(
        case["events"], make_golden.play(case["mode"], case["params"], case["events"]), strict=True
    ):
        for key in ("shown", "error"):
            if key in before:
                np.testing.assert_allclose(as_array(after[key]), as_array(before[key]), atol=2e-6, err_msg=str(before))


def test_golden_has_the_odd_cases():
    cases = {c["name"] for c in json.loads((make_golden.FOLDER / "interpolation.json").read_text())}
    assert cases == {f"{m}: {s}" for m in make_golden.MODES for s in make_golden.situations()}


# curves


def test_linear_is_numpys():
    t = np.array([0.0, 0.03, 0.1, 0.2])
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    for now in (-0.1, 0.0, 0.01, 0.03, 0.15, 0.2, 0.5):
        expected = [[np.interp(now, t, x[:, k, d]) for d in range(2)] for k in range(3)]
        np.testing.assert_allclose(linear(t, x, now), expected)


def test_hermite_is_scipys_with_parabola_tangents():
    t = np.array([0.0, 0.03, 0.1, 0.14, 0.2])
    x = np.random.default_rng(0).normal(size=(5, 3, 2))
    tangents = np.gradient(x, t, axis=0, edge_order=1)  # inside: the parabola through three uneven points
    reference = scipy.interpolate.CubicHermiteSpline(t, x, tangents)
    for now in (0.0, 0.02, 0.03, 0.09, 0.12, 0.17, 0.2):
        np.testing.assert_allclose(hermite(t, x, now), reference(now), atol=1e-12)
    np.testing.assert_array_equal(hermite(t, x, 9.0), x[-1])


@pytest.mark.parametrize("curve", [linear, hermite])
def test_beside_nan_and_over_gaps_nothing_is_invented(curve):
    t = np.array([0.0, 0.1, 0.2, 0.2 + MAX_GAP_S + 0.1])
    x = np.arange(4.0)[:, None, None] * np.ones((4, 2, 2))
    x[1, 0] = np.nan
    early, late = curve(t, x, 0.12), curve(t, x, 0.16)
    assert np.isnan(early[0]).all()
    assert (late[0] == 2).all()
    np.testing.assert_allclose(early[1], 1.2)
    assert (curve(t, x, 0.3) == 2).all()
    assert (curve(t, x, 0.5) == 3).all()


def test_hermite_does_not_look_across_a_gap_or_nan_for_its_tangent():
    """A lone segment is a straight line, whatever lies beyond a gap or a NaN."""
    t = np.array([0.0, 0.5, 0.6, 0.7])
    x = np.array([100.0, 0.0, 1.0, np.nan])[:, None, None]
    assert hermite(t, x, 0.525)[0, 0] == pytest.approx(0.25)


# painters


def feed(painter, function, *, step_s=1 / 30, age_s=0.04, until_s=3.0, paint_hz=60.0):
    """Times painted and what was shown, of results of `function` at an even pace."""
    arrivals = [(k * step_s + age_s, k * step_s) for k in range(int(until_s / step_s))]
    times_s, shown = [], []
    for n in range(int(until_s * paint_hz)):
        now_s = n / paint_hz + 0.003
        while arrivals and arrivals[0][0] <= now_s:
            arrived_s, captured_s = arrivals.pop(0)
            painter.add(function(captured_s), captured_s, arrived_s)
        values = painter.paint(now_s)
        if values is not None:
            times_s.append(now_s)
            shown.append(values)
    return np.array(times_s), np.array(shown)


def ramp(t_s):
    return np.array([[300 * t_s, -100 * t_s]])


@pytest.mark.parametrize("mode", ["linear", "hermite"])
def test_buffered_painters_are_exact_and_as_late_as_the_pace_asks(mode):
    """Results every 1/30 s, 40 ms old: the segment to result k + 1 begins 1/30 s + 40 ms before it arrives."""
    painter = make_painter(mode)
    t, shown = feed(painter, ramp)
    assert painter.delay_s == pytest.approx(1 / 30 + 0.04)
    late = t > 0.5
    expected = np.array([ramp(s - painter.delay_s) for s in t[late]])
    np.testing.assert_allclose(shown[late], expected, atol=1e-6)


def test_the_delay_changes_without_a_stutter():
    """Results become 60 ms older at once: painted time waits or runs at up to 1.1 times, it never jumps."""
    painter = BufferedPainter(linear)
    feed(painter, ramp, until_s=1.0)
    before = painter.paint(1.0)[0, 0]
    for n in range(60):
        now_s = 1.0 + (n + 1) / 60
        painter.add(ramp(now_s - 0.1), now_s - 0.1, now_s)
        shown = painter.paint(now_s)[0, 0]
        assert -1e-9 <= shown - before < 300 / 60 * 1.11
        before = shown
    assert painter.delay_s == pytest.approx(0.1 + 1 / 60)


def test_prediction_follows_steady_motion_without_lag():
    painter = make_painter("predict", damping_s=10.0)
    t, shown = feed(painter, ramp)
    late = t > 1.5
    np.testing.assert_allclose(shown[late], [ramp(s) for s in t[late]], atol=1.0)


def test_prediction_trusts_old_results_no_further_than_the_damping():
    """300 px/s, damping 0.06 s: however long nothing comes, at most 18 px are added."""
    painter = make_painter("predict", follow_s=0.0, damping_s=0.06)
    for k in range(90):
        painter.add(ramp(k / 30), k / 30, k / 30)
    last = ramp(89 / 30)[0, 0]
    assert painter.paint(89 / 30 + 0.06)[0, 0] - last == pytest.approx(18 * (1 - math.exp(-1)), abs=0.1)
    assert painter.paint(95.0)[0, 0] - last == pytest.approx(18, abs=0.1)


def test_the_glide_is_the_critically_damped_spring():
    """Against SciPy's integration of e'' = -2 w e' - w² e towards the moving target."""
    painter = make_painter("predict", follow_s=0.05, damping_s=0.06, jerk_noise=120)
    painter.add([[0.0]], 0.0, 0.0)
    painter.paint(0.01)
    painter.add([[10.0]], 0.02, 0.02)
    start, velocity0 = painter.paint(0.03)[0, 0], painter._velocity[0, 0]
    # the painter takes the target's velocity as constant over a step, so it gets small ones here
    shown = [painter.paint(0.03 + 0.0005 * n)[0, 0] for n in range(1, 101)][19::20]

    reference = make_filter("kalman_ca", {"jerk_noise": 120})
    reference([0.0], 0.0), reference([10.0], 0.02)

    def forces(t, state):
        target, slope = reference.predict(t, 0.06)[0], reference.velocity(t, 0.06)[0]
        return [state[1], -2 / 0.05 * (state[1] - slope) - (state[0] - target) / 0.05**2]

    solved = scipy.integrate.solve_ivp(forces, (0.03, 0.08), [start, velocity0], t_eval=0.03 + 0.01 * np.arange(1, 6),
                                       max_step=0.0005)  # fmt: skip
    assert abs(shown[-1] - start) > 1
    np.testing.assert_allclose(shown, solved.y[0], atol=0.05)


def test_prediction_hides_and_shows_at_once():
    painter = make_painter("predict")
    painter.add([[1.0, 1.0], [5.0, 5.0]], 0.0, 0.0)
    painter.paint(0.01)
    painter.add([[np.nan, np.nan], [5.0, 5.0]], 0.03, 0.03)
    gone = painter.paint(0.04)
    assert np.isnan(gone[0]).all()
    np.testing.assert_allclose(gone[1], 5.0)
    painter.add([[9.0, 9.0], [5.0, 5.0]], 0.5, 0.5)
    painter.paint(0.45)
    np.testing.assert_allclose(painter.paint(0.51)[0], 9.0)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_painters_wait_for_a_result_ignore_old_ones_and_forget(mode):
    painter = make_painter(mode)
    assert painter.paint(0.0) is None
    painter.add([[1.0, 2.0]], 0.0, 0.04)
    painter.add([[7.0, 7.0]], 0.0, 0.05)
    np.testing.assert_array_equal(painter.paint(0.05), [[1.0, 2.0]])
    painter.reset()
    assert painter.paint(0.06) is None


def test_what_was_shown_is_judged_by_the_later_result():
    error = ShownError()
    for n in range(10):
        error.painted(n / 60, ramp(n / 60) + np.array([3.0, 4.0]))
    assert error.compare(0.07, ramp(0.07)) == pytest.approx(5.0)
    assert math.isnan(error.compare(0.5, ramp(0.5)))
    assert math.isnan(error.compare(0.07, [[np.nan, np.nan]]))
    with pytest.raises(ShapeError, match=r"shape painted, \(1, 2\), got \(2, 2\)"):
        error.compare(0.07, np.zeros((2, 2)))


def test_mistakes_are_named():
    with pytest.raises(SettingsError, match="no painter 'magic'; the painters are latest"):
        make_painter("magic")
    with pytest.raises(SettingsError, match="'linear' does not take follow_s"):
        make_painter("linear", follow_s=1)
    with pytest.raises(SettingsError, match="follow_s must be from 0 to 1 s"):
        make_painter("predict", follow_s=-1)
