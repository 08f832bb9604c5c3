"""Pictures of landmarks give back, bit for bit, what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.errors import EstimatorError, ShapeError
from livedance_lab.estimators import Estimate, HandEstimate, factory
from livedance_lab.estimators.replay import ReplayEstimator, encode_estimate
from livedance_lab.media import images
from livedance_lab.settings import Settings


def values(*shape: int, seed: int = 0) -> np.ndarray:
    """Awkward ones: NaN, infinities, the smallest and negative zero among them."""
    out = np.random.default_rng(seed).normal(0, 500, shape).astype(np.float32)
    out.flat[:5] = [np.nan, np.inf, -np.inf, 1e-45, -0.0]
    return out


def hand(side: str, seed: int) -> HandEstimate:
    return HandEstimate(side, float(np.float32(0.9137)), values(21, 3, seed=seed), values(21, 3, seed=seed + 1))


FULL = Estimate(
    pose_xyz=values(33, 3), pose_world_m=values(33, 3, seed=1), visibility=values(33, seed=2),
    presence=values(33, seed=3), hands=(hand("left", 4), hand("right", 6), hand("right", 8)), normalised=False,
)  # fmt: skip


def assert_same_bits(a: np.ndarray | None, b: np.ndarray | None) -> None:
    assert (a is None) == (b is None)
    if a is not None and b is not None:
        assert a.shape == b.shape
        assert a.dtype == b.dtype == np.float32
        assert a.tobytes() == b.tobytes()


def round_trip(estimate: Estimate, kind: str = "both") -> Estimate:
    rgb = images.decode_rgb(encode_estimate(estimate))
    return factory("replay")(kind, Settings()).estimate(rgb, 0)


@pytest.mark.parametrize(
    "estimate",
    [FULL, Estimate(), Estimate(pose_xyz=values(33, 3)), Estimate(hands=(hand("right", 1),), normalised=False)],
    ids=["everything", "nothing", "pose only", "a hand only"],
)
def test_what_goes_in_comes_out(estimate):
    out = round_trip(estimate)

    for name in ("pose_xyz", "pose_world_m", "visibility", "presence"):
        assert_same_bits(getattr(out, name), getattr(estimate, name))
    assert out.normalised == estimate.normalised
    assert [(h.side, h.score) for h in out.hands] == [(h.side, h.score) for h in estimate.hands]
    for got, put in zip(out.hands, estimate.hands, strict=True):
        assert_same_bits(got.xyz, put.xyz)
        assert_same_bits(got.world_m, put.world_m)


def test_each_kind_returns_its_part():
    pose, hands = round_trip(FULL, "pose"), round_trip(FULL, "hands")
    assert pose.pose_xyz is not None
    assert pose.hands == ()
    assert hands.pose_xyz is None
    assert len(hands.hands) == 3
    assert not pose.normalised
    assert not hands.normalised


def test_nobody_shrinks_the_picture():
    """The least short side a client may ask for leaves it as it is."""
    rgb = images.decode_rgb(encode_estimate(FULL))
    assert images.downscale(rgb, 96) is rgb


def test_an_ordinary_picture_is_refused():
    with pytest.raises(EstimatorError, match="ordinary picture"):
        ReplayEstimator().estimate(np.zeros((480, 640, 3), np.uint8), 0)
    with pytest.raises(EstimatorError, match="ordinary picture"):
        ReplayEstimator().estimate(np.zeros((1, 1, 3), np.uint8), 0)


def test_a_damaged_picture_is_refused():
    rgb = images.decode_rgb(encode_estimate(FULL)).copy()
    rgb[5, 5, 0] ^= 1
    with pytest.raises(EstimatorError, match="changed on its way"):
        ReplayEstimator().estimate(rgb, 0)
    with pytest.raises(EstimatorError, match="changed on its way"):
        ReplayEstimator().estimate(rgb[:4], 0)


def test_another_version_is_refused():
    rgb = images.decode_rgb(encode_estimate(FULL)).copy()
    rgb.reshape(-1)[4] = 9
    with pytest.raises(EstimatorError, match="version 1, got 9"):
        ReplayEstimator().estimate(rgb, 0)


def test_a_wrong_shape_is_refused():
    with pytest.raises(ShapeError, match=r"pose_xyz must have shape \(33, 3\), got \(17, 3\)"):
        encode_estimate(Estimate(pose_xyz=values(17, 3)))


@pytest.mark.parametrize(("kind", "delay_ms"), [("face", 0), ("pose", -1), ("pose", float("nan"))])
def test_wrong_arguments_are_refused(kind, delay_ms):
    with pytest.raises(EstimatorError, match="got"):
        ReplayEstimator(kind, delay_ms)


def test_the_delay_waits(monkeypatch):
    waited = []
    monkeypatch.setattr("time.sleep", waited.append)
    ReplayEstimator(delay_ms=20).estimate(images.decode_rgb(encode_estimate(FULL)), 0)
    assert waited == [0.02]
