"""The ground truth as files.  data/README.md names the columns.

One dancer: landmarks as Parquet, joint angles as CSV.  Several people: the same landmarks with a
column `person`, and a CSV with one row per frame and person (what of them is visible, angles).
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dancer.camera import Camera
from dancer.figure import Figure
from dancer.landmarks import ANGLE_COLUMNS, depth_tolerance_m, included_angle_deg, landmarks_of, places
from dancer.renderer import DepthMap, depth_at_m
from dancer.rig import Dancer

FloatArray = npt.NDArray[np.float64]
TO_CAMERA_AXES = np.array([1, -1, -1])  # x right in the image, y down, z away from the camera
SEEN_COLUMNS = ("visible_share", "box_left_px", "box_top_px", "box_right_px", "box_bottom_px")


class Moment(NamedTuple):
    """The truth of one person in one frame: landmarks (K, 3), (K, 2) and (K,), angles, and `SEEN_COLUMNS`."""

    xyz_m: FloatArray
    uv_px: FloatArray
    visible: npt.NDArray[np.bool_]
    angles_deg: list[float]
    seen: list[float]


class Witness:
    """Says where the landmarks of all dancers are and which of them the camera sees."""

    def __init__(self, dancers: Sequence[Dancer], figures: Sequence[Figure], camera: Camera) -> None:
        self.dancers, self.camera = dancers, camera
        self.landmarks = [landmarks_of(d.body) for d in dancers]
        self.names = [k.name for k in self.landmarks[0]]
        self.tolerance_m = np.array([depth_tolerance_m(k) for k in self.names])
        self.maps = [DepthMap(f, camera) for f in figures]

    def moments(self, t_s: float) -> list[Moment]:
        """The truth at a time of the clip, one item per dancer."""
        poses = [d.pose(t_s) for d in self.dancers]
        for depth, pose in zip(self.maps, poses, strict=True):
            depth.draw(pose)
        everyone = zip(self.dancers, self.landmarks, poses, strict=True)
        points = [places(d.body, landmarks, pose) for d, landmarks, pose in everyone]
        return [self._moment(p, k) for k, p in enumerate(points)]

    def _moment(self, p: FloatArray, k: int) -> Moment:
        camera, uv = self.camera, self.camera.project(p)
        inside = (uv >= 0).all(1) & (uv < [camera.width_px, camera.height_px]).all(1)
        visible = inside & (depth_at_m(uv, self.maps) > camera.depth_m(p) - self.tolerance_m)
        at = dict(zip(self.names, p, strict=True))
        mid_hip = (at["left_hip"] + at["right_hip"]) / 2
        angles = [included_angle_deg(*(at[j] for j in joints)) for joints in ANGLE_COLUMNS.values()]
        return Moment((p - mid_hip) * TO_CAMERA_AXES, uv, visible, angles, self._seen(k))

    def _seen(self, k: int) -> list[float]:
        """Share of a silhouette's pixels that are in the picture with nobody before them, and their box."""
        own = self.maps[k]
        mine = own.in_picture(own.zbuf)
        nearest = np.max([m.in_picture(m.zbuf) for m in self.maps], axis=0)
        mask = (mine > 0) & (mine == nearest)
        share = mask.sum() / np.count_nonzero(own.zbuf)
        if not mask.any():
            return [share, *[np.nan] * 4]
        columns, rows = np.nonzero(mask.any(0))[0], np.nonzero(mask.any(1))[0]
        return [share, columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def write_tables(dancers: Sequence[Dancer], figures: Sequence[Figure], camera: Camera, fps: int, stem: Path) -> None:
    """Write the truth of every frame at i / fps seconds.

    <stem>_truth.parquet and, for one dancer, <stem>_angles.csv; for several, <stem>_people.csv.
    """
    witness = Witness(dancers, figures, camera)
    dance, several = dancers[0].dance, len(dancers) > 1
    frames = [witness.moments(i / fps) for i in range(round(dance.duration_s * fps))]
    _write_truth(Path(f"{stem}_truth.parquet"), witness.names, frames, fps)
    with open(f"{stem}_people.csv" if several else f"{stem}_angles.csv", "w", newline="") as f:
        table = csv.writer(f, lineterminator="\n")
        of_people = ["person", *SEEN_COLUMNS] if several else []
        table.writerow(["frame", "time_s", *of_people, *ANGLE_COLUMNS, "segment"])
        for i, k, m in _rows(frames):
            of_people = [k, *_seen_texts(m)] if several else []
            angles = [f"{a:.2f}" for a in m.angles_deg]
            table.writerow([i, f"{i / fps:.4f}", *of_people, *angles, dance.segment_at(i / fps)])


def _rows(frames: list[list[Moment]]) -> Iterator[tuple[int, int, Moment]]:
    """Frame, person (from 1) and moment."""
    return ((i, k, m) for i, moments in enumerate(frames) for k, m in enumerate(moments, 1))


def _seen_texts(m: Moment) -> list[str]:
    share, *box = m.seen
    return [f"{share:.4f}", *("" if np.isnan(x) else f"{x:.0f}" for x in box)]


def _write_truth(path: Path, names: list[str], frames: list[list[Moment]], fps: int) -> None:
    """One row per frame, person and joint, in that order; metres to 0.1 mm, pixels to 0.01."""
    numbers, people, moments = zip(*_rows(frames), strict=True)
    xyz, uv, visible = (np.concatenate([m[k] for m in moments]) for k in range(3))
    xyz, uv = np.round(xyz, 4) + 0.0, np.round(uv, 2) + 0.0  # + 0.0: no minus zero
    frame = np.repeat(np.array(numbers, np.int32), len(names))
    joint = pa.array(np.tile(np.arange(len(names), dtype=np.int8), len(moments)))
    columns = {
        "frame": pa.array(frame),
        "time_s": pa.array(np.round(frame / fps, 4)),
        "person": pa.array(np.repeat(np.array(people, np.int8), len(names))),
        "joint": pa.DictionaryArray.from_arrays(joint, pa.array(names)),
        **{c: pa.array(xyz[:, k].astype(np.float32)) for k, c in enumerate(("x_m", "y_m", "z_m"))},
        **{c: pa.array(uv[:, k].astype(np.float32)) for k, c in enumerate(("u_px", "v_px"))},
        "visible": pa.array(visible),
    }
    if len(frames[0]) == 1:
        del columns["person"]
    # a dictionary for the repeating columns only: coordinates are smaller without
    repeating = [c for c in ("frame", "time_s", "person", "joint") if c in columns]
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=19, use_dictionary=repeating)
