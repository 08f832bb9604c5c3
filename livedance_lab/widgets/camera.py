"""The video source of the notebooks: the camera, or a clip if there is no camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livedance_lab.errors import ImageError

__all__ = ["camera_or_clip"]


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
        video = {"frameRate": {"ideal": fps}, "width": {"ideal": 640}, "height": {"ideal": 480}, "facingMode": "user"}
        return ipywebrtc.CameraStream(constraints={"audio": False, "video": video})
    if not Path(clip).is_file():
        raise ImageError("source", f"there is no clip {clip}.")
    return ipywebrtc.VideoStream.from_file(str(clip))
