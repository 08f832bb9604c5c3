"""The pinhole cameras, shared by the room (Blender) and the figure (own renderer)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WALL_Z_M = -1.8  # the room's back wall


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera that looks along -z at the middle of the dance floor.

    Parameters
    ----------
    width_px, height_px : int
        Size of the picture; the principal point is its middle.
    focal_px : float
        Focal length.
    above_floor_m, distance_m : float
        Place of the lens: (0, above_floor_m, distance_m).
    """

    width_px: int = 480
    height_px: int = 640
    focal_px: float = 930.0
    above_floor_m: float = 0.92
    distance_m: float = 3.40

    @property
    def place_m(self) -> npt.NDArray[np.float64]:
        """Place of the lens, ndarray of shape (3,)."""
        return np.array([0, self.above_floor_m, self.distance_m])

    def depth_m(self, points_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Distance along the optical axis of points of shape (..., 3)."""
        return self.distance_m - points_m[..., 2]

    def project(self, points_m: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Pixel positions of points.

        Parameters
        ----------
        points_m : array-like of shape (..., 3)
            Points in the dancer's axes.

        Returns
        -------
        ndarray of shape (..., 2)
            Continuous pixels: (0, 0) is the picture's top left corner, pixel centres lie at .5.
        """
        p = np.asarray(points_m, float)
        depth = self.depth_m(p)
        u = self.width_px / 2 + self.focal_px * p[..., 0] / depth
        v = self.height_px / 2 - self.focal_px * (p[..., 1] - self.above_floor_m) / depth
        return np.stack([u, v], -1)


PORTRAIT = Camera()  # a phone across the room
LANDSCAPE = Camera(width_px=640, height_px=480, focal_px=560.0, above_floor_m=1.05, distance_m=2.95)  # a webcam

CAMERAS = {"portrait": PORTRAIT, "landscape": LANDSCAPE}
