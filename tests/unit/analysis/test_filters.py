"""Every streaming filter, against a reference that shares no code with it."""

import json
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.signal
from filterpy.kalman import KalmanFilter

from livedance_lab.analysis.filters import FILTERS, describe, make_filter
from livedance_lab.errors import SettingsError, ShapeError
from tests.unit.analysis import make_golden

ALL = sorted(FILTERS)
SMOOTHING = [name for name in ALL if name != "none"]


def run(filter_, values, times_s, **kwargs):
    return np.array([filter_(v, t, **kwargs) for v, t in zip(values, times_s, strict=True)])


def walk(times_s, seed=0):
    """A wandering signal of shape (T, 2, 3) with noise on it."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 6, (2, 3))
    return 100 * np.sin(5 * times_s[:, None, None] + phase) + rng.normal(0, 2, (len(times_s), 2, 3))


# what each filter computes


@pytest.mark.parametrize("dt_s", [1 / 24, 1 / 15, 1 / 60, 0.5])
def test_ema_keeps_its_time_constant_at_any_rate(dt_s):
    """0.7 at 24/s leaves 0.3 of a step after 1/24 s, so 0.3 ** (24 dt) after dt."""
    ema = make_filter("ema", {"alpha": 0.7, "reference_hz": 24})
    ema([0.0], 0.0)
    assert ema([1.0], dt_s)[0] == pytest.approx(1 - 0.3 ** (24 * dt_s), abs=1e-5)


def test_ema_at_uneven_steps_is_the_lag_of_first_order(irregular_s):
    """tau y' = x - y with x held from each sample's predecessor on, integrated by SciPy."""
    x = walk(irregular_s)[:, 0, 0]
    tau_s = -1 / (24 * math.log(0.3))
    expected = [x[0]]
    for n in range(1, len(x)):
        span = (irregular_s[n - 1], irregular_s[n])
        solved = scipy.integrate.solve_ivp(lambda _t, y, n=n: (x[n] - y) / tau_s, span, expected[-1:], rtol=1e-9)
        expected.append(solved.y[0, -1])
    np.testing.assert_allclose(run(make_filter("ema"), x[:, None], irregular_s)[:, 0], expected, rtol=1e-3, atol=1e-2)


def test_ema_at_its_reference_rate_is_the_plain_recursion():
    x = walk(np.arange(50) / 24)
    expected, _ = scipy.signal.lfilter([0.7], [1, -0.3], x, axis=0, zi=0.3 * x[:1])
    np.testing.assert_allclose(run(make_filter("ema"), x, np.arange(50) / 24), expected, rtol=1e-4, atol=1e-3)


def test_holt_follows_the_textbook_recursion(irregular_s):
    x = walk(irregular_s)
    level, trend, last_s, expected = x[0], 0 * x[0], 0.0, [x[0]]
    for value, t_s in zip(x[1:], irregular_s[1:], strict=True):
        dt = t_s - last_s
        a, b = 1 - 0.5 ** (dt * 24), 1 - 0.7 ** (dt * 24)
        new = a * value + (1 - a) * (level + dt * trend)
        trend = b * (new - level) / dt + (1 - b) * trend
        level, last_s = new, t_s
        expected.append(level)
    holt = make_filter("holt", {"alpha": 0.5, "beta": 0.3, "reference_hz": 24})
    np.testing.assert_allclose(run(holt, x, irregular_s), expected, rtol=1e-3, atol=0.02)
    np.testing.assert_allclose(holt.predict(irregular_s[-1] + 0.1), level + 0.1 * trend, rtol=1e-3, atol=0.05)


def one_euro_by_the_paper(x, times_s, min_cutoff, beta, d_cutoff):
    """Algorithm 1 of Casiez et al. 2012, scalar, written from the paper."""

    def alpha(cutoff, rate):
        tau, te = 1 / (2 * math.pi * cutoff), 1 / rate
        return 1 / (1 + tau / te)

    out, hat, dhat = [x[0]], x[0], 0.0
    for i in range(1, len(x)):
        rate = 1 / (times_s[i] - times_s[i - 1])
        a_d = alpha(d_cutoff, rate)
        dhat = a_d * (x[i] - hat) * rate + (1 - a_d) * dhat
        a = alpha(min_cutoff + beta * abs(dhat), rate)
        hat = a * x[i] + (1 - a) * hat
        out.append(hat)
    return out


def test_one_euro_follows_the_paper(irregular_s):
    x = walk(irregular_s)
    out = run(make_filter("one_euro", {"min_cutoff_hz": 1, "beta": 0.02}), x, irregular_s)
    expected = one_euro_by_the_paper(x[:, 1, 2], irregular_s, 1.0, 0.02, 1.0)
    np.testing.assert_allclose(out[:, 1, 2], expected, atol=0.02)


@pytest.mark.parametrize("name", ["one_euro", "mediapipe"])
def test_one_euro_smooths_alike_at_every_distance(name, irregular_s):
    """Twice the body size, twice the motion: twice the output."""
    x = walk(irregular_s)
    near = run(make_filter(name), 2 * x, irregular_s, scale=200.0)
    far = run(make_filter(name), x, irregular_s, scale=100.0)
    np.testing.assert_allclose(near, 2 * far, rtol=1e-12)


def test_mediapipe_takes_the_speed_between_raw_values():
    """Two steps by hand, from one_euro_filter.cc: 0.05 Hz, beta 16 per body size, speed of raw values."""
    f = make_filter("mediapipe")
    f([0.0], 0.0)
    weight = lambda cutoff, dt: 1 / (1 + 1 / (2 * math.pi * cutoff * dt))  # noqa: E731
    speed = weight(1, 0.1) * 10.0
    first = weight(0.05 + 16 * speed, 0.1)
    speed += weight(1, 0.05) * ((3 - 1) / 0.05 - speed)
    second = first + weight(0.05 + 16 * speed, 0.05) * (3 - first)
    assert f([1.0], 0.1)[0] == pytest.approx(first)
    assert f([3.0], 0.15)[0] == pytest.approx(second)


@pytest.mark.parametrize("name", ["kalman_cv", "kalman_ca"])
def test_kalman_equals_filterpy(name, irregular_s):
    """filterpy with matrices from the matrix exponential of the continuous model (Van Loan 1978)."""
    n = 2 if name == "kalman_cv" else 3
    noise = 3.0 if n == 2 else 60.0
    r = 0.01**2
    reference = KalmanFilter(dim_x=n, dim_z=1)
    x = walk(irregular_s)
    reference.x = np.eye(n)[:, :1] * x[0, 1, 1]
    reference.P = np.diag([r, 1.0, 100.0][:n])
    reference.R, reference.H = np.array([[r]]), np.eye(1, n)
    f = make_filter(name, {"measurement_noise": 0.01})
    f(x[0], irregular_s[0])
    for i in range(1, len(x)):
        reference.F, reference.Q = van_loan(n, noise**2, irregular_s[i] - irregular_s[i - 1])
        reference.predict()
        reference.update(x[i, 1, 1])
        out = f(x[i], irregular_s[i])[1, 1]
        assert out == pytest.approx(reference.x[0, 0], rel=1e-4, abs=1e-3)
    step = van_loan(n, 1.0, 0.08)[0] @ reference.x
    assert f.predict(irregular_s[-1] + 0.08)[1, 1] == pytest.approx(step[0, 0], rel=1e-4, abs=1e-2)


def test_adaptive_kalman_is_kalman_cv_with_the_noise_of_the_moment(irregular_s):
    """filterpy again, its Q set at each step from its own recent speed."""
    x = walk(irregular_s)[:, 0, :2]
    f = make_filter("kalman_adaptive", {"rest_noise": 0.5, "agility": 2.0})
    f(x[0], irregular_s[0], 50.0)
    axes = [KalmanFilter(dim_x=2, dim_z=1) for _ in range(2)]
    for axis, reference in enumerate(axes):
        reference.x, reference.P = np.array([[x[0, axis]], [0.0]]), np.diag([1e-4, 1.0])
        reference.R, reference.H = np.array([[1e-4]]), np.eye(1, 2)
    recent = np.zeros(2)
    for i in range(1, len(x)):
        dt = irregular_s[i] - irregular_s[i - 1]
        speed = np.array([abs(k.x[1, 0]) / 50 for k in axes])  # 1-D arrays: every element on its own
        recent = np.maximum(speed, recent * math.exp(-dt))
        out = f(x[i], irregular_s[i], 50.0)
        for axis, reference in enumerate(axes):
            reference.F, reference.Q = van_loan(2, (0.5 + 2 * recent[axis]) ** 2, dt)
            reference.predict()
            reference.update(x[i, axis])
            assert out[axis] == pytest.approx(reference.x[0, 0], rel=1e-3, abs=1e-2)


def test_adaptive_kalman_shares_speed_among_the_axes_of_a_landmark():
    """Moving fast along x, a landmark is followed quickly along y too; as plain scalars the axes are apart."""
    t_s = np.arange(60) / 30
    x = np.stack((500 * t_s, np.where(t_s > 1.9, 1.0, 0.0)), axis=1)
    together = run(make_filter("kalman_adaptive"), x[:, None], t_s, scale=100.0)[-1, 0, 1]
    apart = run(make_filter("kalman_adaptive"), x, t_s, scale=100.0)[-1, 1]
    assert together > apart + 0.2


def test_depth_noise_does_not_pass_for_motion():
    t_s = np.arange(60) / 30
    x = np.zeros((60, 1, 3))
    x[:, 0, 1] = np.random.default_rng(0).normal(0, 0.1, 60)
    flat = run(make_filter("kalman_adaptive"), x, t_s, scale=100.0)
    x[:, 0, 2] = np.random.default_rng(1).normal(0, 50, 60)
    np.testing.assert_array_equal(run(make_filter("kalman_adaptive"), x, t_s, scale=100.0)[..., :2], flat[..., :2])


def van_loan(n, q, dt):
    """Transition and noise matrices of a chain of n integrators driven by white noise of density q."""
    a = np.eye(n, k=1)
    noise = np.zeros((n, n))
    noise[-1, -1] = q
    block = scipy.linalg.expm(np.block([[-a, noise], [np.zeros((n, n)), a.T]]) * dt)
    transition = block[n:, n:].T
    return transition, transition @ block[:n, n:]


@pytest.mark.parametrize("order", [2, 4])
def test_butterworth_at_even_steps_equals_scipy(order):
    t_s = np.arange(300) / 30
    x = walk(t_s)
    sos = scipy.signal.butter(order, 6, fs=30, output="sos")
    zi = scipy.signal.sosfilt_zi(sos)[:, :, None, None] * x[0]
    expected, _ = scipy.signal.sosfilt(sos, x, axis=0, zi=zi)
    out = run(make_filter("butterworth", {"cutoff_hz": 6, "order": order}), x, t_s)
    np.testing.assert_allclose(out, expected, rtol=1e-3, atol=0.02)


@pytest.mark.parametrize("order", [2, 4])
def test_butterworth_at_uneven_steps_is_close_to_the_continuous_filter(order):
    """Against the analogue prototype integrated by SciPy on the same (linearly joined) input."""
    rng = np.random.default_rng(5)
    t_s = np.concatenate(([0.0], np.cumsum(rng.uniform(1, 3, 400) / 240)))
    x = np.sin(2 * math.pi * 1.5 * t_s)
    b, a = scipy.signal.butter(order, 2 * math.pi * 6, analog=True)
    even_s = np.linspace(0, t_s[-1], 20000)
    _, y, _ = scipy.signal.lsim((b, a), np.interp(even_s, t_s, x), even_s)
    out = run(make_filter("butterworth", {"cutoff_hz": 6, "order": order}), x[:, None], t_s)[:, 0]
    np.testing.assert_allclose(out, np.interp(t_s, even_s, y), atol=0.01)


def test_butterworth_survives_steps_longer_than_its_period():
    f = make_filter("butterworth", {"cutoff_hz": 20})
    out = run(f, np.full((20, 1), 3.0), np.arange(20) * 0.4)
    np.testing.assert_allclose(out, 3.0)


# what all filters have in common


@pytest.mark.parametrize("start_s", [0.0, 1234.5], ids=["starts at zero", "running clock"])
@pytest.mark.parametrize("name", ALL)
def test_only_elapsed_time_matters_to_the_last_bit(name, start_s, irregular_s):
    """A first frame stamped exactly 0 s is not 'no time given', and a replay on another clock is the same."""
    irregular_s = np.round(irregular_s, 6)
    x = walk(irregular_s)
    out = run(make_filter(name), x, irregular_s)
    np.testing.assert_array_equal(run(make_filter(name), x, irregular_s + start_s), out)
    np.testing.assert_array_equal(out[0], x[0])


@pytest.mark.parametrize("name", ALL)
def test_a_constant_stays_and_noise_shrinks(name, irregular_s):
    noisy = 5 + np.random.default_rng(2).normal(0, 1, (200, 4))
    flat = run(make_filter(name), np.full((200, 4), 5.0), irregular_s)
    np.testing.assert_allclose(flat, 5.0, rtol=1e-12)
    smooth = run(make_filter(name), noisy, irregular_s, scale=100.0)[50:]
    limit = 1.0 if name in ("none", "kalman_ca") else 0.95
    assert np.abs(np.diff(smooth, axis=0)).mean() <= limit * np.abs(np.diff(noisy[50:], axis=0)).mean()


@pytest.mark.parametrize("name", ALL)
def test_elements_do_not_touch_each_other_and_nan_stays_out(name, irregular_s):
    """One landmark blinks in and out; the others come out as if it had never been there."""
    x = walk(irregular_s)
    holes = x.copy()
    holes[5:9, 0] = np.nan
    holes[0:3, 1, 1] = np.nan
    out, full = run(make_filter(name), holes, irregular_s), run(make_filter(name), x, irregular_s)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(holes))
    if name != "kalman_adaptive":  # there the axes of one landmark share its speed
        np.testing.assert_array_equal(out[:, 1, [0, 2]], full[:, 1, [0, 2]])
    holes = x.copy()
    holes[5:9, 0] = np.nan
    np.testing.assert_array_equal(run(make_filter(name), holes, irregular_s)[:, 1], full[:, 1])
    np.testing.assert_array_equal(out[3, 1, 1], x[3, 1, 1])  # first seen: raw


@pytest.mark.parametrize("name", ALL)
def test_short_gaps_go_on_and_long_ones_restart(name, irregular_s):
    x = walk(irregular_s)
    f, whole = make_filter(name, gap_reset_s=0.5), make_filter(name)
    t_s = 0.0
    for i in range(20):
        t_s = i / 30
        f(x[i], t_s), whole(x[i], t_s)
    blind = np.full_like(x[0], np.nan)
    f(blind, t_s + 0.1), whole(blind, t_s + 0.1)
    # back after 0.2 s: as if the blind frame had never come
    skipping = make_filter(name)
    run(skipping, x[:20], np.arange(20) / 30)
    np.testing.assert_array_equal(f(x[20], t_s + 0.2), skipping(x[20], t_s + 0.2))
    # back after 0.6 s: raw
    f(blind, t_s + 0.4)
    np.testing.assert_array_equal(f(x[21], t_s + 0.8), x[21])


@pytest.mark.parametrize("name", SMOOTHING)
def test_times_that_do_not_increase_change_nothing(name):
    x = walk(np.arange(9) / 30)
    f, reference = make_filter(name), make_filter(name)
    run(f, x[:8], np.arange(8) / 30), run(reference, x[:8], np.arange(8) / 30)
    held = f(x[7] + 50, 7 / 30)
    np.testing.assert_array_equal(f(x[7] - 50, 0.1), held)
    np.testing.assert_array_equal(f(x[8], 8 / 30), reference(x[8], 8 / 30))


@pytest.mark.parametrize("name", SMOOTHING)
def test_reset_and_reset_where_forget(name, irregular_s):
    x = walk(irregular_s)
    f = make_filter(name)
    run(f, x[:50], irregular_s[:50])
    f.reset_where(np.array([True, False]))
    out = f(x[50], irregular_s[50])
    np.testing.assert_array_equal(out[0], x[50, 0])
    assert not np.any(out[1] == x[50, 1])
    f.reset()
    np.testing.assert_array_equal(run(f, x[:50], irregular_s[:50]), run(make_filter(name), x[:50], irregular_s[:50]))


@pytest.mark.parametrize("name", ["holt", "one_euro", "kalman_cv", "kalman_ca", "kalman_adaptive", "butterworth"])
def test_filters_with_a_trend_foresee_steady_motion(name):
    """A ramp of 2 units/s, settled: 0.1 s later it is 0.2 further; damped, 0.05 (1 - e^-2) s worth."""
    t_s = np.arange(600) / 30
    params = {"min_cutoff_hz": 5.0} if name == "one_euro" else None
    f = make_filter(name, params)
    last = run(f, 2 * t_s[:, None], t_s)[-1, 0]
    assert f.predict(t_s[-1] + 0.1)[0] - last == pytest.approx(0.2, rel=1e-3)
    assert f.predict(t_s[-1] + 0.1, damping_s=0.05)[0] - last == pytest.approx(0.1 * (1 - math.exp(-2)), rel=1e-3)
    assert f.predict(t_s[-1] - 1)[0] == pytest.approx(last)


def test_prediction_knows_nothing_before_the_first_sample():
    f = make_filter("holt")
    assert f.predict(1.0).size == 0
    f([1.0, np.nan], 0.0)
    np.testing.assert_array_equal(f.predict(1.0), [1.0, np.nan])


@pytest.mark.parametrize("name", ALL)
def test_settings_change_in_flight_without_a_jump(name):
    t_s = np.arange(60) / 30
    x = walk(t_s)
    old = make_filter("ema")
    last = run(old, x, t_s)[-1]
    new = make_filter(name)
    new.take_over(old)
    np.testing.assert_allclose(new.predict(t_s[-1]), last)
    step = new(last, t_s[-1] + 1 / 30)
    np.testing.assert_allclose(step, last, atol=1e-9)


def test_own_state_survives_new_parameters():
    t_s = np.arange(40) / 30
    x = walk(t_s)
    f, g = make_filter("holt"), make_filter("holt")
    run(f, x, t_s), run(g, x, t_s)
    h = make_filter("holt")
    h.take_over(f)
    np.testing.assert_array_equal(h.predict(2.0), g.predict(2.0))


# describing and refusing


def test_description_is_the_filters_true_response():
    ema = describe("ema", {"alpha": 0.5, "reference_hz": 24}, 24)
    assert ema["cutoff_hz"] == pytest.approx(24 / (2 * math.pi) * math.acos(0.75), abs=0.01)
    assert ema["delay_ms"] == pytest.approx(1000 / 24, rel=1e-4)
    assert describe("butterworth", {"cutoff_hz": 4}, 60)["cutoff_hz"] == pytest.approx(4, abs=0.02)
    assert describe("none", {}, 30) == {"cutoff_hz": math.inf, "delay_ms": 0.0}
    assert describe("kalman_cv", {}, 30)["delay_ms"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_has_what_a_slider_needs(name):
    assert FILTERS[name].description
    for p in FILTERS[name].parameters:
        assert p.minimum <= p.default <= p.maximum
        assert p.description.endswith(".")
        assert not p.logarithmic or p.minimum > 0


def test_mistakes_are_named():
    with pytest.raises(SettingsError, match="no filter 'emma'; the filters are butterworth"):
        make_filter("emma")
    with pytest.raises(SettingsError, match="'ema' has no parameter 'beta'; its parameters are: alpha, reference_hz"):
        make_filter("ema", {"beta": 1})
    with pytest.raises(SettingsError, match=r"ema.alpha must be from 0.01 to 1, got nan"):
        make_filter("ema", {"alpha": math.nan})
    with pytest.raises(SettingsError, match="t_s must be finite"):
        make_filter("ema")([1.0], math.nan)
    f = make_filter("ema")
    f(np.zeros((2, 3)), 0.0)
    with pytest.raises(ShapeError, match=r"keep their shape \(2, 3\), got \(3, 2\)"):
        f(np.zeros((3, 2)), 1.0)


@pytest.mark.parametrize("case", json.loads((make_golden.FOLDER / "filters.json").read_text()), ids=lambda c: c["name"])
def test_golden(case):
    """Recordings must replay the same next year: every filter's numbers are kept."""
    f = make_filter(case["name"], case["params"], case["gap_reset_s"])
    out = [f(np.array(v, dtype=float), t, case["scale"]) for v, t in zip(case["values"], case["t_s"], strict=True)]
    np.testing.assert_allclose(out, np.array(case["smooth"], dtype=float), atol=2e-6)
    assert {c["name"] for c in make_golden.filters()} == set(ALL)
