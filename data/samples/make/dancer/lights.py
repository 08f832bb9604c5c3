"""The room's light as a set of directions: samples of three area lights and of the sky."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
KEY, FILL, BACK, SKY = range(4)
GOLDEN_ANGLE_RAD = 2.399963


class Lights(NamedTuple):
    """Directions towards the light (L, 3), their linear RGB strengths (L, 3) and groups (L,)."""

    dirs: FloatArray
    cols: FloatArray
    group: npt.NDArray[np.int32]

    def mean_dir(self, group: int) -> FloatArray:
        """Unit direction in the middle of a group."""
        mean = self.dirs[self.group == group].mean(0)
        return mean / np.linalg.norm(mean)

    def total_rgb(self, group: int) -> FloatArray:
        """Strength of a whole group."""
        return self.cols[self.group == group].sum(0)


def _area(
    place_m: tuple[float, float, float], radius_m: float, n: int, rgb: tuple[float, float, float]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Directions to n points of a disc that faces the dancer, and their strengths."""
    axis = np.array(place_m, float) - [0, 1.0, 0]
    z = axis / np.linalg.norm(axis)
    x = np.cross([0, 1, 0], z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    k = np.arange(n) + 0.5
    r, a = np.sqrt(k / n), k * GOLDEN_ANGLE_RAD
    points = [axis + radius_m * (u * x + v * y) for u, v in zip(r * np.cos(a), r * np.sin(a), strict=True)]
    return [p / np.linalg.norm(p) for p in points], [np.array(rgb) / n] * n


def _sky(n: int) -> tuple[list[FloatArray], list[FloatArray]]:
    """Sky and walls: most of the sphere, dimmer from below."""
    dirs, cols = [], []
    for k in range(n):
        y = 1 - 1.75 * (k + 0.5) / n
        a, r = k * GOLDEN_ANGLE_RAD, math.sqrt(1 - y * y)
        dirs.append(np.array([r * math.cos(a), y, r * math.sin(a)]))
        below = np.array([0.95, 0.72, 0.55]) * (1.0 if y > -0.5 else 0.8)
        cols.append((np.array([1.75, 1.80, 1.88]) if y > 0 else below) / n)
    return dirs, cols


def room_lights() -> Lights:
    """Lights of the room as make_background.py builds it."""
    groups = (
        _area((-1.9, 2.9, 2.4), 0.80, 12, (2.30, 2.16, 1.96)),
        _area((2.4, 2.0, 2.2), 1.00, 6, (0.62, 0.67, 0.74)),
        _area((1.2, 2.7, -1.2), 0.40, 3, (0.55, 0.53, 0.50)),
        _sky(22),
    )
    dirs = [d for g in groups for d in g[0]]
    cols = [c for g in groups for c in g[1]]
    group = [i for i, g in enumerate(groups) for _ in g[0]]
    return Lights(np.array(dirs), np.array(cols), np.array(group, np.int32))
