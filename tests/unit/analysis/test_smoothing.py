import dataclasses

import numpy as np
import pytest

from livedance_lab.analysis.angles import angles_deg
from livedance_lab.analysis.filters import FILTERS, make_filter
from livedance_lab.analysis.smoothing import ANGLE_SCALE_DEG, BodySmoother, body_size
from livedance_lab.errors import SettingsError, ShapeError
from livedance_lab.pose import BODY_SHAPES, Flag
from livedance_lab.settings import Smoothing

EMA = Smoothing(filter="ema", params={"alpha": 0.7, "reference_hz": 24.0})
SMOOTHED = ("keypoints_px", "world_m", "hands_px", "hands_world_m")


def bodies(make_body, count=40, seed=0):
    """The same person with noise on everything."""
    rng = np.random.default_rng(seed)

    def noisy(body):
        changed = {n: getattr(body, n) + rng.normal(0, 0.02, BODY_SHAPES[n]).astype(np.float32) for n in SMOOTHED}
        return dataclasses.replace(body, **changed)

    return [noisy(make_body(shift_px=i)) for i in range(count)]


def play(smoother, stream, times_s, **kwargs):
    return [smoother(b, angles_deg(b.world_m, b.visibility), t, **kwargs) for b, t in zip(stream, times_s, strict=True)]


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_same_input_same_bits(name, make_body, irregular_s):
    stream = bodies(make_body)
    times_s = np.round(irregular_s[:40], 6)
    first = play(BodySmoother(Smoothing(filter=name, params={}), 0.5), stream, times_s)
    second = play(BodySmoother(Smoothing(filter=name, params={}), 0.5), stream, times_s + 77.25)
    for (body, angles, flags), (again, angles_again, flags_again) in zip(first, second, strict=True):
        for field in BODY_SHAPES:
            np.testing.assert_array_equal(getattr(body, field), getattr(again, field))
            assert getattr(body, field).dtype == np.float32
        np.testing.assert_array_equal(angles, angles_again)
        np.testing.assert_array_equal(flags, flags_again)


def test_every_stream_goes_through_its_groups_filter(make_body):
    """One-Euro everywhere, exceptions for limbs and angles: each stream equals that filter run on its own."""
    exceptions = {"limbs": EMA, "angles": Smoothing(filter="none", params={})}
    smoother = BodySmoother(Smoothing(filter="one_euro", params={"beta": 2}, groups=exceptions), 0.5)
    stream = bodies(make_body)
    out = play(smoother, stream, np.arange(40) / 30)

    ema, torso, world, hands = make_filter("ema"), *(make_filter("one_euro", {"beta": 2}) for _ in range(3))
    sizes = {n: np.array([body_size(getattr(b, n)[:, :d]) for b in stream]) for n, d in
             (("keypoints_px", 2), ("world_m", 3))}  # fmt: skip
    weight = 1 - np.exp(-0.033333)
    size_px, size_m = sizes["keypoints_px"][0], sizes["world_m"][0]
    for i, (body, angles, _) in enumerate(out):
        if i:
            size_px += weight * (sizes["keypoints_px"][i] - size_px)
            size_m += weight * (sizes["world_m"][i] - size_m)
        t, raw = i / 30, stream[i]
        np.testing.assert_allclose(body.keypoints_px[15], ema(raw.keypoints_px[15], t), rtol=1e-6)
        np.testing.assert_allclose(body.keypoints_px[0], torso(raw.keypoints_px[0], t, size_px), rtol=1e-5)
        np.testing.assert_allclose(body.world_m, world(raw.world_m, t, size_m), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(body.hands_px, hands(raw.hands_px, t, size_px), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(angles, angles_deg(raw.world_m))
        for untouched in ("visibility", "presence", "hands_score"):
            assert getattr(body, untouched) is getattr(raw, untouched)


def test_flags_say_where_each_keypoint_comes_from(make_body):
    body = make_body()
    body.visibility[3], body.keypoints_px[4] = 0.2, np.nan
    smooth, _, flags = BodySmoother(EMA, 0.5)(body, angles_deg(body.world_m), 0.0, 0.5)
    assert (flags[3], flags[4], flags[5]) == (Flag.LOW_VISIBILITY, Flag.MISSING, Flag.MEASURED)
    assert flags.dtype == np.uint8
    assert np.isnan(smooth.keypoints_px[4]).all()


@pytest.mark.parametrize(("hidden_s", "restarts"), [(0.3, False), (0.8, True)])
def test_a_landmark_hidden_for_long_restarts_raw(make_body, hidden_s, restarts):
    smoother = BodySmoother(EMA, gap_reset_s=0.5)
    raw, t_s = make_body(), 0.0
    for i in range(60):
        raw, t_s = make_body(shift_px=10 * i), i / 30
        raw.visibility[15] = 0.1 if t_s >= 59 / 30 - hidden_s and i < 59 else 0.9
        smooth, _, _ = smoother(raw, angles_deg(raw.world_m), t_s)
    assert np.array_equal(smooth.keypoints_px[15], raw.keypoints_px[15]) == restarts
    assert not np.array_equal(smooth.keypoints_px[16], raw.keypoints_px[16])


def test_hands_seen_once_are_filtered_once(make_body):
    """Results come at pose rate and carry the newest hands: old ones must not count as new evidence."""
    once, carried = BodySmoother(EMA, 0.5), BodySmoother(EMA, 0.5)
    angles = np.zeros(8, dtype=np.float32)
    for i in range(10):
        hands_t_s = (i // 2) / 15
        raw = make_body(shift_px=30 * (i // 2))
        out, _, _ = carried(raw, angles, i / 30, hands_t_s=hands_t_s, hands_fresh=i % 2 == 0)
        if i % 2 == 0:
            expected, _, _ = once(raw, angles, hands_t_s)
        np.testing.assert_array_equal(out.hands_px, expected.hands_px)

    raw.hands_px[0] = raw.hands_world_m[0] = np.nan  # withdrawn as too old
    out, _, _ = carried(raw, angles, 1.0, hands_t_s=hands_t_s, hands_fresh=False)
    assert np.isnan(out.hands_px[0]).all()
    assert np.isfinite(out.hands_px[1]).all()


def test_a_frame_out_of_order_changes_nothing(make_body):
    stream = bodies(make_body, 6)
    a, b = (BodySmoother(Smoothing(filter="holt", params={}), 0.5) for _ in range(2))
    play(a, stream[:5], np.arange(5) / 30), play(b, stream[:5], np.arange(5) / 30)
    play(a, [make_body(999.0)], [0.05])
    (x, _, _), (y, _, _) = (play(s, stream[5:], [5 / 30])[0] for s in (a, b))
    np.testing.assert_array_equal(x.keypoints_px, y.keypoints_px)


def test_nobody_there_is_nan_and_the_return_goes_on(make_body):
    from livedance_lab.pose import Body

    smoother = BodySmoother(EMA, 0.5)
    play(smoother, bodies(make_body, 5), np.arange(5) / 30)
    empty, angles, flags = smoother(Body(), np.full(8, np.nan, np.float32), 5 / 30)
    assert np.isnan(empty.keypoints_px).all()
    assert np.isnan(angles).all()
    assert (flags == Flag.MISSING).all()
    raw = make_body(50.0)
    back, _, _ = smoother(raw, angles_deg(raw.world_m), 6 / 30)
    assert np.all(back.keypoints_px[:, 0] < raw.keypoints_px[:, 0])  # pulled towards where it was


def test_reconfiguring_goes_on_from_what_was_shown(make_body):
    smoother = BodySmoother(EMA, 0.5)
    last, _, _ = play(smoother, bodies(make_body, 20), np.arange(20) / 30)[-1]
    smoother.reconfigure(Smoothing(filter="ema", params={"alpha": 0.01}), 0.5)
    far = make_body(1000.0)
    smooth, _, _ = smoother(far, angles_deg(far.world_m), 20 / 30)
    assert np.abs(smooth.keypoints_px[:, 0] - last.keypoints_px[:, 0]).max() < 15

    with pytest.raises(SettingsError, match="no parameter 'wrong'"):
        smoother.reconfigure(Smoothing(filter="holt", params={"wrong": 1}), 0.5)
    again, _, _ = smoother(far, angles_deg(far.world_m), 21 / 30)
    assert np.abs(again.keypoints_px[:, 0] - last.keypoints_px[:, 0]).max() < 30

    smoother.reset()
    np.testing.assert_array_equal(smoother(far, angles_deg(far.world_m), 22 / 30)[0].keypoints_px, far.keypoints_px)


def test_body_size_prefers_what_is_not_foreshortened(make_body):
    front = make_body().world_m.copy()
    assert body_size(front) == pytest.approx(0.5)
    leaning = front.copy()
    leaning[[11, 12], 1] = -0.01  # towards the camera: the torso is short, the shoulders are not
    assert body_size(leaning) == pytest.approx(1.2 * 0.3)
    front[[23, 24]] = np.nan
    assert body_size(front) == pytest.approx(1.2 * 0.3)
    assert np.isnan(body_size(np.full((33, 3), np.nan)))


def test_angles_use_the_scale_of_angles(make_body):
    smoother = BodySmoother(Smoothing(filter="one_euro", params={}), 0.5)
    reference = make_filter("one_euro")
    for i in range(10):
        angles = np.full(8, 20.0 * i, dtype=np.float32)
        _, smooth, _ = smoother(make_body(), angles, i / 30)
        np.testing.assert_allclose(smooth, reference(angles, i / 30, ANGLE_SCALE_DEG), rtol=1e-6)


def test_signed_angles_are_smoothed_across_their_jump(make_body):
    """170, 175, 180, -175 ... is a steady turn; a plain filter would sweep back through zero."""
    smoother = BodySmoother(EMA, 0.5, ["sports2d_left_arm", "left_elbow"])
    shown = []
    for i in range(20):
        turning = np.float32(180 - (180 - (150 + 5 * i)) % 360)
        _, smooth, _ = smoother(make_body(), np.array([turning, 90.0], np.float32), i / 30)
        shown.append(smooth)
    unwrapped = np.unwrap([s[0] for s in shown], period=360)
    assert (np.diff(unwrapped)[3:] > 4.85).all()
    assert max(abs(s[0]) for s in shown) <= 180
    assert all(s[1] == 90 for s in shown)
    with pytest.raises(ShapeError, match=r"angles must have shape \(2,\), got \(8,\)"):
        smoother(make_body(), np.zeros(8, np.float32), 2.0)


def test_mediapipe_smooths_world_landmarks_as_its_graph_does(make_body):
    """0.1 Hz, 40 per m/s without scaling by size, for a body of half a metre."""
    # a body size of world landmarks is half a metre
    world = Smoothing(filter="mediapipe", params={"min_cutoff_hz": 0.1, "beta": 20.0})
    smoother = BodySmoother(Smoothing(filter="none", groups={"world": world}), 0.5)
    reference = make_filter("mediapipe", {"min_cutoff_hz": 0.1, "beta": 40.0})
    for k in range(20):
        body = make_body()
        body.world_m[15] += np.float32(0.01 * k)
        smooth, _, _ = smoother(body, angles_deg(body.world_m), k / 30)
        np.testing.assert_allclose(smooth.world_m[15], reference(body.world_m[15], k / 30), atol=1e-5)
        np.testing.assert_array_equal(smooth.hands_px, body.hands_px)
