"""The live view: camera picture, moving skeleton, readings. What moves happens in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets
from ipywidgets import widget_serialization

from livedance_lab.errors import SettingsError
from livedance_lab.settings import Settings
from livedance_lab.widgets._esm import join_modules

__all__ = ["PoseView"]

_STATIC = Path(__file__).parent / "static"
_DEFAULTS = Settings()


class PoseView(anywidget.AnyWidget):
    """Shows a camera with the skeleton over it, and makes the camera the producer of a session.

    The browser captures, encodes and sends frames straight to the server and draws its results; nothing of
    that passes through the kernel, so the view goes on while a cell runs.

    Parameters
    ----------
    stream : ipywebrtc media stream, optional
        `CameraStream`, `VideoStream` of a clip, or any other. None: the view opens the camera itself.
    server : object, optional
        Anything with ``.url`` ("http://127.0.0.1:8000") and ``.token``, and perhaps ``.proxy_url``: the path
        below Jupyter's base URL (or whole URL) under which pages on other machines reach it; without one it is
        jupyter-server-proxy's ``proxy/<port>/``. None: the session's own server.
    session : LiveSession or str, optional
        The session to produce for, or its id; None begins a new one, whose id is then in `session`.
    **options
        Any trait below, or any of the `Settings`, which are asked of the server at the start.

    Attributes
    ----------
    short_side_px, jpeg_quality, image_format, pacing, painting
        The client's part of `livedance_lab.settings.Settings`: set them here or in the session, they agree.
    mirror : bool
        Flips the picture like a mirror; the data stay as they are. (Of a camera that flips its pictures itself
        the setting `mirrored` puts the data right.)
    show_angles, show_readings : bool
    running : bool
        False: nothing is captured.
    status : str
        "starting", "opening camera", "connecting", "warming up", "live", "reconnecting", "paused", "hidden",
        "ended", "error" or "closed". Read only in spirit.
    error : str
        What is wrong, in words; empty when nothing is.
    stats : dict
        The browser's readings, twice a second: `camera_fps`, `sent_per_s`, `results_per_s`, `painted_fps`,
        `age_p50_ms`, `age_p95_ms`, `network_p50_ms`, `server_p50_ms`, `encode_p50_ms` ..., and `ledger`.
        None where nothing was measured.

    Raises
    ------
    SettingsError
        If a setting among the options is out of range.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    stream = traitlets.Any(None, allow_none=True).tag(sync=True, **widget_serialization)
    url = traitlets.Unicode("http://127.0.0.1:8000").tag(sync=True)
    token = traitlets.Unicode("").tag(sync=True)
    proxy = traitlets.Unicode("").tag(sync=True)
    session = traitlets.Unicode("").tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)

    short_side_px = traitlets.Int(_DEFAULTS.short_side_px).tag(sync=True)
    jpeg_quality = traitlets.Float(_DEFAULTS.jpeg_quality).tag(sync=True)
    image_format = traitlets.Unicode(_DEFAULTS.image_format).tag(sync=True)
    pacing = traitlets.Unicode(_DEFAULTS.pacing).tag(sync=True)
    painting = traitlets.Unicode(_DEFAULTS.painting).tag(sync=True)

    mirror = traitlets.Bool(False).tag(sync=True)
    show_angles = traitlets.Bool(False).tag(sync=True)
    show_readings = traitlets.Bool(True).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)

    status = traitlets.Unicode("starting").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    stats = traitlets.Dict().tag(sync=True)

    def __init__(self, stream: Any = None, server: Any = None, session: Any = None, **options: Any) -> None:
        traits = set(self.trait_names())
        unknown = sorted(set(options) - traits - set(Settings.model_fields))
        if unknown:
            raise SettingsError(f"PoseView has no option {', '.join(unknown)}.")
        asked = {name: options[name] for name in Settings.model_fields if name in options}
        Settings.parse(asked)
        options = {name: value for name, value in options.items() if name in traits}
        server = server or getattr(session, "server", None)
        if server is not None:
            options |= {"url": server.url, "token": server.token}
            if getattr(server, "proxy_url", None):
                options["proxy"] = server.proxy_url
        if session is not None:
            options["session"] = session if isinstance(session, str) else session.id
        super().__init__(stream=stream, asked=asked, **options)

    @traitlets.default("_esm")
    def _join_esm(self) -> str:
        return join_modules(_STATIC, "pose_view.js")

    @traitlets.default("_css")
    def _read_css(self) -> str:
        return (_STATIC / "pose_view.css").read_text(encoding="utf-8")

    @traitlets.validate("short_side_px", "jpeg_quality", "image_format", "pacing", "painting")
    def _check_setting(self, proposal: dict[str, Any]) -> Any:
        Settings.parse({proposal["trait"].name: proposal["value"]})
        return proposal["value"]
