"""The video source of the notebooks: the camera, or a clip if there is no camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livedance_lab.errors import ImageError

__all__ = ["camera_or_clip"]


CAMERA_SIZE_PX = (640, 480)
"""Width and height that the camera is asked for; ``widgets/static/camera_source.js`` asks for the same."""


def camera_or_clip(camera: bool, clip: str | Path, *, fps: int = 60) -> Any:
    """Create a stream for `PoseView`: the browser's camera, or a video file that is repeated.

    Parameters
    ----------
    camera : bool
        True: the camera, False: the clip.
    clip : str or Path
    fps : int, default 60
        Frame rate requested from the camera, which may deliver less.

    Returns
    -------
    ipywebrtc.CameraStream or ipywebrtc.VideoStream

    Raises
    ------
    ImageError
        If the clip does not exist.
    """
    import ipywebrtc

    if camera:
        width_px, height_px = CAMERA_SIZE_PX
        size = {"width": {"ideal": width_px}, "height": {"ideal": height_px}}
        video = {"frameRate": {"ideal": fps}, **size, "facingMode": "user"}
        return ipywebrtc.CameraStream(constraints={"audio": False, "video": video})
    if not Path(clip).is_file():
        raise ImageError("source", f"there is no clip {clip}.")
    return ipywebrtc.VideoStream.from_file(str(clip))
