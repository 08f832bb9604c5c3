"""Where the pictures come from: the camera, or a clip where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livedance_lab.errors import ImageError

__all__ = ["camera_or_clip"]


def camera_or_clip(camera: bool, clip: str | Path, *, fps: int = 60) -> Any:
    """A stream for `PoseView`: the browser's camera, or a video file played over and over.

    Parameters
    ----------
    camera : bool
    clip : str or Path
        Played if there is no camera wanted.
    fps : int, default 60
        Frames per second asked of the camera; it gives what it can.

    Returns
    -------
    ipywebrtc.CameraStream or ipywebrtc.VideoStream

    Raises
    ------
    ImageError
        If there is no such clip.
    """
    import ipywebrtc

    if camera:
        video = {"frameRate": {"ideal": fps}, "width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"}
        return ipywebrtc.CameraStream(constraints={"audio": False, "video": video})
    if not Path(clip).is_file():
        raise ImageError("source", f"there is no clip {clip}.")
    return ipywebrtc.VideoStream.from_file(str(clip))
