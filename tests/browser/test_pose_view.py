"""The live view in a real JupyterLab: what the page shows, what the kernel knows, what the server logged."""

import json

import pytest

from livedance_lab.server import LiveServer
from tests.browser.conftest import Notebook, free_port, launch, wait_until

CONNECT = """from livedance_lab.server import LiveServer
from livedance_lab.widgets import PoseView
server = LiveServer("{url}", "{token}", 0)"""
STATS = "import json; print(json.dumps({'stats': view.stats, 'status': view.status, 'error': view.error}))"
SHOW = {
    "camera": "from ipywebrtc import CameraStream\n"
    "view = PoseView(CameraStream(constraints={'video': {'frameRate': 60}, 'audio': False}), server)\nview",
    "clip": "from ipywebrtc import VideoStream\nview = PoseView(VideoStream.from_file('dancer.mp4'), server)\nview",
    "own camera": "view = PoseView(None, server, show_angles=True)\nview",
}


def connect(server: LiveServer) -> str:
    return CONNECT.format(url=server.url, token=server.token)


def captured(server: LiveServer) -> int:
    return sum(session["ledger"]["captured"] for session in server.get("/sessions"))


def session_of(server: LiveServer, session_id: str) -> dict:
    return next(s for s in server.get("/sessions") if s["id"] == session_id)


@pytest.mark.parametrize("source", SHOW)
def test_skeleton_follows_the_picture(page, lab, server, source):
    notebook = Notebook(page, lab, [connect(server), SHOW[source], STATS, "print(view.session)"])
    notebook.run()
    notebook.run()
    notebook.wait_status("live")
    wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")
    page.wait_for_timeout(4000)  # the readings are means over three seconds
    notebook.screenshot(f"pose-view-{source.replace(' ', '-')}")

    told = json.loads(notebook.run())
    assert told["status"] == "live"
    assert told["error"] == ""
    assert told["stats"]["results_per_s"] > 5
    assert told["stats"]["painted_fps"] > 5
    assert told["stats"]["age_p50_ms"] > 0
    session = session_of(server, notebook.run().strip())
    assert session["ledger"]["states"]["processed"] > 20
    assert page.wrong == []
