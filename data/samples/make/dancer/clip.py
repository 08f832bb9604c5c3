"""From poses to pictures to a video: motion blur, sensor noise, PNG frames, H.264."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dancer.body import Pose
from dancer.renderer import Renderer, tone
from dancer.rig import Dancer

FloatArray = npt.NDArray[np.float64]
SHUTTER = 0.5  # share of the frame interval the shutter is open (a 180 degree shutter)
MID_GREY = 128.0


@dataclass(frozen=True)
class Sensor:
    """What the camera does to the picture.

    Parameters
    ----------
    noise_sigma : float
        Standard deviation of the read noise in 8-bit levels.  Shot noise is added with a variance
        that grows with the level and equals the read noise's at mid-grey:
        ``var = noise_sigma**2 * (1 + level / 128)``, each pixel and channel on its own.
    motion_blur : int
        Moments averaged (in linear light) over the time the shutter is open; 1 is a sharp picture.
        They lie evenly around the frame's own time, which stays the time of the truth.
    seed : int
        Frame i draws its noise from seed + i, whichever worker draws it.
    """

    noise_sigma: float = 0.0
    motion_blur: int = 1
    seed: int = 1000

    def moments_s(self, t_s: float, fps: int) -> list[float]:
        """Times to average for the frame at t_s."""
        n = self.motion_blur
        return [t_s + (k - (n - 1) / 2) / n * SHUTTER / fps for k in range(n)]

    def picture(self, linear: FloatArray, frame: int) -> npt.NDArray[np.uint8]:
        """8-bit RGB picture with a fine grain, and with noise where it is asked for."""
        h, w = linear.shape[:2]
        rng = np.random.default_rng(self.seed + frame)
        grain = rng.normal(0, 1.4, (h, w, 1)) + rng.normal(0, 0.5, (h, w, 3))
        level = tone(linear) * 255
        out = level + grain
        if self.noise_sigma > 0:
            out = out + rng.normal(size=(h, w, 3)) * self.noise_sigma * np.sqrt(1 + level / MID_GREY)
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)


def _same(poses: list[Pose], others: list[Pose]) -> bool:
    return all(np.array_equal(a, b) for p, q in zip(poses, others, strict=True) for a, b in zip(p, q, strict=True))


class Film:
    """Draws the frames of a dance; poses that do not change are drawn once."""

    def __init__(self, dancers: Sequence[Dancer], renderer: Renderer, sensor: Sensor, fps: int) -> None:
        self.dancers, self.renderer, self.sensor, self.fps = dancers, renderer, sensor, fps
        self._last: tuple[list[Pose], FloatArray] | None = None

    def _linear(self, t_s: float) -> FloatArray:
        poses = [d.pose(t_s) for d in self.dancers]
        if self._last is None or not _same(poses, self._last[0]):
            self._last = (poses, self.renderer.linear(poses))
        return self._last[1]

    def frame(self, i: int) -> npt.NDArray[np.uint8]:
        """Frame i as 8-bit RGB, ndarray of shape (height_px, width_px, 3)."""
        moments_s = self.sensor.moments_s(i / self.fps, self.fps)
        linear = np.mean([self._linear(t_s) for t_s in moments_s], axis=0)
        return self.sensor.picture(linear, i)

    def write(self, frames: Iterable[int], folder: Path) -> None:
        """Write frames as <folder>/<i, five digits>.png."""
        for i in frames:
            cv2.imwrite(f"{folder}/{i:05d}.png", self.frame(i)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode(folder: Path, path: Path, fps: int, crf: float) -> None:
    """Encode <folder>/%05d.png as H.264 in BT.709 with the ffmpeg on the PATH."""
    colour = [a for k in ("space", "_primaries", "_trc") for a in (f"-color{k}", "bt709")]
    command = ["ffmpeg", "-y", "-loglevel", "error", "-framerate", str(fps), "-i", f"{folder}/%05d.png"]
    command += ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *colour, "-color_range", "tv"]
    command += ["-c:v", "libx264", "-preset", "slow", "-crf", str(crf), "-g", str(2 * fps)]
    subprocess.run([*command, "-movflags", "+faststart", str(path)], check=True)
