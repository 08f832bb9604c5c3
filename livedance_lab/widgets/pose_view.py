"""The live view: camera picture, skeleton and statistics. Capture and drawing run in the browser."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import anywidget
import traitlets
from ipywidgets import widget_serialization

from livedance_lab.errors import SettingsError
from livedance_lab.plots.theme import FRAME_STATES
from livedance_lab.settings import CLIENT_SETTINGS, Settings, setting_specs
from livedance_lab.widgets._esm import join_modules
from livedance_lab.widgets.markup import STATIC

__all__ = ["PoseView"]

_TRAITS = {int: traitlets.Int, float: traitlets.Float, str: traitlets.Unicode}


def _client_setting_traits() -> dict[str, Any]:
    defaults = {name: setting_specs()[name].default for name in CLIENT_SETTINGS}
    return {name: _TRAITS[type(default)](default).tag(sync=True) for name, default in defaults.items()}


class PoseView(anywidget.AnyWidget):
    """Shows a camera with the skeleton over it, and sends the camera's frames to a session.

    The browser captures and encodes frames, sends them directly to the server and draws the results. Frames do not
    pass through the kernel, so that the view continues while a cell runs.

    Parameters
    ----------
    stream : ipywebrtc media stream, optional
        `CameraStream`, `VideoStream` of a clip, or any other. None: the view opens the camera itself.
    server : object, optional
        An object with ``.url`` ("http://127.0.0.1:8000") and ``.token``, and optionally ``.proxy_url``: the path
        below Jupyter's base URL (or a whole URL) through which pages on other machines reach the server; by default
        jupyter-server-proxy's ``proxy/<port>/``. None: the session's own server.
    session : LiveSession or str, optional
        The session that receives the frames, or its id. None creates a session, whose id is then in `session`.
    **options
        Any trait below, or any field of `Settings`, which is requested from the server at the start.

    Attributes
    ----------
    short_side_px, image_format, jpeg_quality, pacing, painting
        The client's fields of `livedance_lab.settings.Settings`, in sync with the session's settings.
    mirror : bool
        Flips the picture like a mirror; the data do not change. (For a camera that flips its pictures itself, the
        setting `mirrored` corrects the data.)
    show_angles, show_stats : bool
        Whether angles are written next to the joints, and whether statistics are shown beside the picture.
    running : bool
        False stops capturing.
    status : str
        "starting", "opening camera", "connecting", "warming up", "live", "reconnecting", "paused", "hidden",
        "ended", "error" or "closed". Set by the browser; writing it has no effect.
    error : str
        The current error message, or empty. Set by the browser.
    stats : dict
        The browser's statistics, twice a second: `camera_fps`, `sent_per_s`, `results_per_s`, `painted_fps`,
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
    requested_settings = traitlets.Dict().tag(sync=True)

    # read by the browser's code, so that names, labels and colours are defined once, in Python
    client_settings = traitlets.List(list(CLIENT_SETTINGS)).tag(sync=True)
    frame_states = traitlets.Dict({state: asdict(style) for state, style in FRAME_STATES.items()}).tag(sync=True)
    locals().update(_client_setting_traits())  # one trait per client setting

    mirror = traitlets.Bool(False).tag(sync=True)
    show_angles = traitlets.Bool(False).tag(sync=True)
    show_stats = traitlets.Bool(True).tag(sync=True)
    running = traitlets.Bool(True).tag(sync=True)

    status = traitlets.Unicode("starting").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    stats = traitlets.Dict().tag(sync=True)

    def __init__(self, stream: Any = None, server: Any = None, session: Any = None, **options: Any) -> None:
        traits = set(self.trait_names())
        unknown = sorted(set(options) - traits - set(setting_specs()))
        if unknown:
            raise SettingsError(f"PoseView has no option {', '.join(unknown)}.")
        requested = {name: options[name] for name in setting_specs() if name in options}
        Settings.parse(requested)
        options = {name: value for name, value in options.items() if name in traits}
        server = server or getattr(session, "server", None)
        if server is not None:
            options |= {"url": server.url, "token": server.token}
            if getattr(server, "proxy_url", None):
                options["proxy"] = server.proxy_url
        if session is not None:
            options["session"] = session if isinstance(session, str) else session.id
        super().__init__(stream=stream, requested_settings=requested, **options)

    @traitlets.default("_esm")
    def _join_esm(self) -> str:
        return join_modules(STATIC, "pose_view.js")

    @traitlets.default("_css")
    def _read_css(self) -> str:
        return (STATIC / "pose_view.css").read_text(encoding="utf-8")

    @traitlets.validate(*CLIENT_SETTINGS)
    def _check_setting(self, proposal: dict[str, Any]) -> Any:
        Settings.parse({proposal["trait"].name: proposal["value"]})
        return proposal["value"]
