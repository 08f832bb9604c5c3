"""The ground truth as files: landmarks as Parquet, joint angles as CSV.  data/README.md names the columns."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dancer.camera import Camera
from dancer.figure import Figure
from dancer.landmarks import ANGLE_COLUMNS, depth_tolerance_m, included_angle_deg, landmarks_of, places
from dancer.renderer import DepthMap
from dancer.rig import Dancer

TO_CAMERA_AXES = np.array([1, -1, -1])  # x right in the image, y down, z away from the camera


def write_tables(dancer: Dancer, figure: Figure, camera: Camera, fps: int, stem: Path) -> None:
    """Write <stem>_truth.parquet and <stem>_angles.csv for every frame at i / fps seconds."""
    body, dance = dancer.body, dancer.dance
    landmarks = landmarks_of(body)
    names = [k.name for k in landmarks]
    index = {k: i for i, k in enumerate(names)}
    tolerance_m = np.array([depth_tolerance_m(k) for k in names])
    depth = DepthMap(figure, camera)
    frames = []
    with open(f"{stem}_angles.csv", "w", newline="") as f:
        angles = csv.writer(f, lineterminator="\n")
        angles.writerow(["frame", "time_s", *ANGLE_COLUMNS, "segment"])
        for i in range(round(dance.duration_s * fps)):
            t_s = i / fps
            pose = dancer.pose(t_s)
            p = places(body, landmarks, pose)
            uv = camera.project(p)
            depth.draw(pose)
            inside = (uv >= 0).all(1) & (uv < [camera.width_px, camera.height_px]).all(1)
            visible = inside & (depth.depth_m(uv) > camera.depth_m(p) - tolerance_m)
            mid_hip = (p[index["left_hip"]] + p[index["right_hip"]]) / 2
            frames.append(((p - mid_hip) * TO_CAMERA_AXES, uv, visible))
            row = [f"{included_angle_deg(*(p[index[j]] for j in joints)):.2f}" for joints in ANGLE_COLUMNS.values()]
            angles.writerow([i, f"{t_s:.4f}", *row, dance.segment_at(t_s)])
    _write_truth(Path(f"{stem}_truth.parquet"), names, frames, fps)


def _write_truth(
    path: Path, names: list[str], frames: list[tuple[np.ndarray, np.ndarray, np.ndarray]], fps: int
) -> None:
    """One row per frame and joint, in that order; metres to 0.1 mm, pixels to 0.01."""
    n = len(frames)
    xyz, uv, visible = (np.concatenate(a) for a in zip(*frames, strict=True))
    xyz, uv = np.round(xyz, 4) + 0.0, np.round(uv, 2) + 0.0  # + 0.0: no minus zero
    joint = pa.array(np.tile(np.arange(len(names), dtype=np.int8), n))
    columns = {
        "frame": pa.array(np.repeat(np.arange(n, dtype=np.int32), len(names))),
        "time_s": pa.array(np.repeat(np.round(np.arange(n) / fps, 4), len(names))),
        "joint": pa.DictionaryArray.from_arrays(joint, pa.array(names)),
        **{c: pa.array(xyz[:, k].astype(np.float32)) for k, c in enumerate(("x_m", "y_m", "z_m"))},
        **{c: pa.array(uv[:, k].astype(np.float32)) for k, c in enumerate(("u_px", "v_px"))},
        "visible": pa.array(visible),
    }
    # a dictionary for the repeating columns only: coordinates are smaller without
    repeating = ["frame", "time_s", "joint"]
    pq.write_table(pa.table(columns), path, compression="zstd", compression_level=19, use_dictionary=repeating)
