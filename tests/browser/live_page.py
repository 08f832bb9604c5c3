"""A notebook in Chromium whose pose view is live."""

from __future__ import annotations

import json

from livedance_lab.launcher import LiveServer
from tests.browser.conftest import Notebook, wait_until

CONNECT = """from livedance_lab.launcher import LiveServer
from livedance_lab.widgets import PoseView
server = LiveServer("{url}", "{token}", 0)"""


STATE = (
    "import json; print(json.dumps({name: getattr(view, name) for name in "
    "('stats', 'status', 'error', 'session', 'short_side_px', 'pacing', 'running')}))"
)


SHOW = {
    "camera": "from ipywebrtc import CameraStream\n"
    "view = PoseView(CameraStream(constraints={'video': {'frameRate': 60}, 'audio': False}), server)\nview",
    "clip": "from ipywebrtc import VideoStream\nview = PoseView(VideoStream.from_file('dancer.mp4'), server)\nview",
    "own camera": "view = PoseView(None, server, show_angles=True, angles='clinical')\nview",
}


def connect(server: LiveServer) -> str:
    return CONNECT.format(url=server.url, token=server.token)


def session_of(server: LiveServer, notebook: Notebook) -> dict:
    """The server's account of the session that the view in a notebook produces; takes one cell."""
    name = json.loads(notebook.run())["session"]
    return next(s for s in server.get("/sessions") if s["id"] == name)


def live(page, lab, server, *more_cells: str, source: str = "own camera") -> Notebook:
    """A notebook whose view is live."""
    notebook = Notebook(page, lab, [connect(server), SHOW[source], *more_cells])
    notebook.run()
    notebook.run()
    notebook.wait_status("live")
    wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")
    return notebook
