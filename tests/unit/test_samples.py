"""The sample clips and their ground truth are what data/README.md says: size, rate, units, axes, angles, licence."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from livedance_lab.skeletons import BLAZEPOSE_33

DATA = Path(__file__).resolve().parents[2] / "data"
SAMPLES = DATA / "samples"
TRUTH_COLUMNS = ["frame", "time_s", "joint", "x_m", "y_m", "z_m", "u_px", "v_px", "visible"]
ANGLES = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "knee": ("hip", "knee", "ankle"),
    "shoulder": ("elbow", "shoulder", "hip"),
    "hip": ("shoulder", "hip", "knee"),
}


@dataclass(frozen=True)
class Sample:
    """A clip as its README describes it; it reads its own files."""

    name: str
    frames: int
    fps: int
    size_px: tuple[int, int]
    focal_px: float
    still_s: float

    @property
    def path(self) -> Path:
        return SAMPLES / f"{self.name}.mp4"

    def truth(self) -> pd.DataFrame:
        return pd.read_parquet(SAMPLES / f"{self.name}_truth.parquet")

    def angles(self) -> pd.DataFrame:
        return pd.read_csv(SAMPLES / f"{self.name}_angles.csv")

    def joints(self, columns: list[str]) -> tuple[list[str], np.ndarray]:
        """Names and an array of shape (frames, 75, columns)."""
        truth = self.truth()
        values = truth[columns].to_numpy(float)
        return list(truth["joint"][:75]), values.reshape(self.frames, 75, len(columns))


FIRST = Sample("dancer", frames=1020, fps=60, size_px=(480, 640), focal_px=930.0, still_s=1.2)
SECOND = Sample("dancer2", frames=450, fps=30, size_px=(640, 480), focal_px=560.0, still_s=5.0)


@pytest.fixture(params=[FIRST, SECOND], ids=lambda s: s.name)
def sample(request) -> Sample:
    return request.param


def test_clip_opens_with_the_rate_and_size_said(sample):
    capture = cv2.VideoCapture(str(sample.path))
    assert capture.isOpened()
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == sample.frames
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(sample.fps)
    read, picture = capture.read()
    capture.release()

    assert read
    assert picture.shape == (sample.size_px[1], sample.size_px[0], 3)


def test_truth_has_every_joint_in_every_frame(sample):
    truth = sample.truth()

    assert list(truth.columns) == TRUTH_COLUMNS
    assert isinstance(truth["joint"].dtype, pd.CategoricalDtype)
    assert truth["visible"].dtype == bool
    assert not truth.isna().any().any()
    np.testing.assert_array_equal(truth["frame"], np.repeat(np.arange(sample.frames), 75))
    names = list(truth["joint"][:75])
    assert len(set(names)) == 75
    np.testing.assert_array_equal(truth["joint"].astype(str), np.tile(names, sample.frames))
    np.testing.assert_allclose(truth["time_s"], truth["frame"] / sample.fps, atol=5.1e-5)  # rounded to 0.1 ms


def test_joints_are_blazepose_and_21_per_hand():
    names = set(FIRST.truth()["joint"].cat.categories)

    hands = {n for n in names if "_hand_" in n}
    assert names - hands == set(BLAZEPOSE_33.landmarks)
    assert len({n for n in hands if n.startswith("left_")}) == len({n for n in hands if n.startswith("right_")}) == 21


def test_metres_start_at_the_middle_of_the_hips_with_y_down(sample):
    names, xyz = sample.joints(["x_m", "y_m", "z_m"])
    at = {n: xyz[:, i] for i, n in enumerate(names)}

    np.testing.assert_allclose((at["left_hip"] + at["right_hip"]) / 2, 0, atol=1.01e-4)
    torso_m = np.linalg.norm(at["left_shoulder"] + at["right_shoulder"], axis=1) / 2
    assert ((torso_m > 0.40) & (torso_m < 0.60)).all()
    assert (at["nose"][:, 1] < 0).all()  # above the hips
    assert (at["left_ankle"][:, 1] > 0).all()
    still = slice(0, int(sample.still_s * sample.fps))
    assert (at["left_hip"][still, 0] > 0).all()  # the dancer's left is on the picture's right
    assert (at["nose"][still, 2] < at["left_ear"][still, 2]).all()  # and the face towards the camera


def test_pixels_are_the_metres_seen_by_the_camera_said(sample):
    """One place of the hips per frame must explain all 75 pixels; only right units, axes and focal length do."""
    _, values = sample.joints(["x_m", "y_m", "z_m", "u_px", "v_px"])
    f, middle = sample.focal_px, np.array(sample.size_px) / 2
    for xyz, uv in zip(values[::15, :, :3], values[::15, :, 3:] - middle, strict=True):
        # u (Z + z) = f (X + x) and the same for v, linear in the hips' X, Y, Z
        zeros = np.zeros(75)
        rows = np.concatenate(
            [np.stack([np.full(75, -f), zeros, uv[:, 0]], 1), np.stack([zeros, zeros - f, uv[:, 1]], 1)]
        )
        wanted = np.concatenate([f * xyz[:, k] - uv[:, k] * xyz[:, 2] for k in (0, 1)])
        hips, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
        seen = xyz + hips
        np.testing.assert_allclose(f * seen[:, :2] / seen[:, 2:], uv, atol=0.06)


def test_visible_joints_lie_in_the_picture_and_hidden_faces_are_not_visible():
    truth = SECOND.truth()

    seen = truth[truth["visible"]]
    assert seen["u_px"].between(0, 640).all()
    assert seen["v_px"].between(0, 480).all()
    nose = truth[truth["joint"] == "nose"].set_index("time_s")["visible"]
    assert nose[0.0:7.0].all()
    assert not nose[9.0:10.4].any()  # dances with the back to the camera


def test_angles_are_those_of_the_three_dimensional_joints(sample):
    names, xyz = sample.joints(["x_m", "y_m", "z_m"])
    at = {n: xyz[:, i] for i, n in enumerate(names)}
    angles = sample.angles()

    assert list(angles.columns) == [
        "frame",
        "time_s",
        *(f"{s}_{k}" for k in ANGLES for s in ("left", "right")),
        "segment",
    ]
    assert len(angles) == sample.frames
    for kind, joints in ANGLES.items():
        for side in ("left", "right"):
            a, b, c = (at[f"{side}_{j}"] for j in joints)
            u, v = a - b, c - b
            expected = np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), (u * v).sum(1)))
            np.testing.assert_allclose(angles[f"{side}_{kind}"], expected, atol=0.08)  # metres are rounded to 0.1 mm


def test_nothing_moves_while_still(sample):
    """Jitter is measured here: all motion must be the camera's noise."""
    _, values = sample.joints(["x_m", "y_m", "z_m", "u_px", "v_px"])
    segment = sample.angles()["segment"]

    n = round(sample.still_s * sample.fps)
    assert (segment[:n] == "still").all()
    assert segment[n] != "still"
    assert np.ptp(values[:n], axis=0).max() == 0
    assert np.ptp(values[n:], axis=0).max() > 10  # pixels


def test_pictures_show_the_joints_at_their_frames(sample):
    """Bare wrists that are visible must be skin in the picture; a clip some frames late would miss them."""
    names, values = sample.joints(["u_px", "v_px", "visible"])
    wrists = values[:, [names.index("left_hand_wrist"), names.index("right_hand_wrist")]]
    capture = cv2.VideoCapture(str(sample.path))
    is_skin = []
    for places in wrists:
        _, bgr = capture.read()
        for u, v, visible in places:
            if visible:
                b, g, r = bgr[int(v), int(u)].astype(int)
                is_skin.append(r - b > 30 and r > g)
    capture.release()

    assert len(is_skin) > sample.frames
    assert np.mean(is_skin) > 0.95


def test_generator_knows_the_dances_of_the_files(sample, monkeypatch):
    monkeypatch.syspath_prepend(SAMPLES / "make")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from dancer.first_dance import FIRST as FIRST_DANCE
    from dancer.second_dance import SECOND as SECOND_DANCE

    dance = FIRST_DANCE if sample is FIRST else SECOND_DANCE
    assert dance.duration_s * sample.fps == pytest.approx(sample.frames)
    written = sample.angles()["segment"]
    assert [dance.segment_at(i / sample.fps) for i in range(sample.frames)] == list(written)


def test_longer_still_only_delays_the_dance(monkeypatch):
    monkeypatch.syspath_prepend(SAMPLES / "make")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from dancer.first_dance import FIRST as DANCE

    later = DANCE.with_still(6.2)

    assert later.duration_s == pytest.approx(DANCE.duration_s + 5)
    assert later.segment_at(6.1) == "still"
    assert later.segment_at(6.3) == "groove"
    assert later.controls_at(0.0)[0] == later.controls_at(5.0)[0] == DANCE.controls_at(0.0)[0]
    assert later.controls_at(8.0)[0].x_m == pytest.approx(DANCE.controls_at(3.0)[0].x_m)
    assert later.controls_at(8.0)[0].x_m != pytest.approx(DANCE.controls_at(8.0)[0].x_m)


def test_licence_and_columns_are_written_down():
    licence = (SAMPLES / "LICENSE.txt").read_text()
    readme = (DATA / "README.md").read_text()

    assert "CC0 1.0" in licence
    for published in SAMPLES.glob("dancer*.*"):
        assert published.name in readme
    for column in TRUTH_COLUMNS:
        assert f"`{column}`" in readme


def test_data_stays_small_enough_for_git():
    ignored = {"__pycache__", "sessions"}
    files = [f for f in DATA.rglob("*") if f.is_file() and not ignored & set(f.parts)]
    assert sum(f.stat().st_size for f in files) <= 20e6
