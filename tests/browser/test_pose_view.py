"""The live view in a real JupyterLab: what the page shows, what the kernel knows, what the server logged."""

import json
import os
import signal

import pytest

from livedance_lab.client import LiveSession
from livedance_lab.launcher import LiveServer
from livedance_lab.samples import sample_path
from tests.browser.conftest import ARTIFACTS, Notebook, free_port, launch, wait_until
from tests.browser.live_page import SHOW, STATE, connect, live, session_of


def captured(server: LiveServer) -> int:
    return sum(session["ledger"]["captured"] for session in server.get("/sessions"))


def stands_still(server: LiveServer, page) -> bool:
    """Whether the server is told of no new frame for a second."""
    before = captured(server)
    page.wait_for_timeout(1000)
    return captured(server) == before


@pytest.mark.parametrize("source", SHOW)
def test_skeleton_follows_the_picture(page, lab, server, source):
    notebook = live(page, lab, server, STATE, STATE, source=source)
    results = page.locator(".ldl-number").nth(2)
    wait_until(lambda: float(results.inner_text().replace("–", "0")) > 1, "more than one result per second", 60)
    notebook.screenshot(f"pose-view-{source.replace(' ', '-')}")

    told = json.loads(notebook.run())
    (ARTIFACTS / f"stats-{source.replace(' ', '-')}.json").write_text(json.dumps(told["stats"], indent=1))
    assert told["status"] == "live"
    assert told["error"] == ""
    assert told["stats"]["results_per_s"] > 0
    assert told["stats"]["painted_fps"] > 0
    assert told["stats"]["age_p50_ms"] > 0
    ledger = session_of(server, notebook)["ledger"]
    assert ledger["states"]["processed"] > 5
    assert sum(ledger["states"].values()) + ledger["in_flight"] + ledger["unreported"] == ledger["captured"]
    assert page.wrong == []


def test_server_and_kernel_agree_on_the_clients_settings(page, lab, server):
    notebook = live(page, lab, server, STATE, "view.pacing = 'free'", STATE, STATE)
    session = session_of(server, notebook)
    assert session["settings"]["pacing"] == "auto"

    server.call("PATCH", f"/sessions/{session['id']}/settings", {"changes": {"short_side_px": 256}, "by": "test"})
    notebook.run()

    def now() -> dict:
        return next(s for s in server.get("/sessions") if s["id"] == session["id"])["settings"]

    wait_until(lambda: now()["pacing"] == "free", "the kernel's wish reaching the server")
    page.wait_for_timeout(1500)  # statistics reach the kernel twice a second
    told = json.loads(notebook.run())
    assert (told["short_side_px"], told["pacing"]) == (256, "free")
    assert told["stats"]["pacing"] == "free"


def test_mirror_flips_the_picture_and_not_the_data(page, lab, server):
    where = """from livedance_lab.client import LiveSession
import numpy as np, time
session = LiveSession.attach(server, view.session)
while session.latest is None or not session.latest.found:
    time.sleep(0.05)
left, right = session.latest.keypoints_px[[11, 12], 0]
print("left is right of right" if left > right else "left is left of right")"""
    notebook = live(page, lab, server, where, where)

    def blue_is_right_of_orange() -> bool:
        """The person's left, painted blue, on the right of the picture: facing the camera, not mirrored."""
        return bool(page.evaluate(
            """() => { const c = document.querySelector(".ldl-canvas"), w = c.width;
            const { data } = c.getContext("2d").getImageData(0, 0, w, c.height);
            const sum = { blue: [0, 0], orange: [0, 0] };
            for (let i = 0; i < data.length; i += 4) { if (data[i + 3] < 200) continue;
              const s = data[i + 2] > 200 && data[i] < 120 ? sum.blue
                : data[i] > 200 && data[i + 2] < 120 ? sum.orange : null;
              if (s) { s[0] += (i / 4) % w; s[1] += 1; } }
            return sum.blue[0] / sum.blue[1] > sum.orange[0] / sum.orange[1]; }"""
        ))  # fmt: skip

    assert blue_is_right_of_orange()
    assert notebook.run().strip() == "left is right of right"

    page.get_by_role("button", name="Mirror").click()
    wait_until(lambda: not blue_is_right_of_orange(), "a mirrored skeleton")
    assert "matrix(-1" in page.locator(".ldl-video").evaluate("v => getComputedStyle(v).transform")
    notebook.screenshot("pose-view-mirrored")
    assert notebook.run().strip() == "left is right of right"


def test_a_view_nobody_sees_captures_nothing(page, lab, server):
    notebook = live(page, lab, server, "view.layout.display = 'none'", "view.layout.display = ''", STATE)
    notebook.run()
    wait_until(lambda: stands_still(server, page), "the end of capturing in a hidden view")

    before = captured(server)
    notebook.run()
    wait_until(lambda: captured(server) > before + 20, "capturing again")
    assert json.loads(notebook.run())["status"] == "live"


@pytest.mark.parametrize("how", ["pause", "close the widget", "close the page"])
def test_stopping_stops_capturing(page, lab, server, how):
    notebook = live(page, lab, server, "view.close()")
    camera = "() => document.querySelector('.ldl-video')?.srcObject?.getVideoTracks()[0].readyState ?? 'none'"
    assert page.evaluate(camera) == "live"

    if how == "pause":
        page.get_by_role("button", name="Pause").click()
        notebook.wait_status("paused")
    elif how == "close the widget":
        notebook.run()
        assert page.evaluate(camera) == "none"
    else:
        page.close()
        lab_page = page.context.new_page()
        wait_until(lambda: stands_still(server, lab_page), "the end of capturing")
        return
    wait_until(lambda: stands_still(server, page), "the end of capturing")


def test_of_two_views_one_sends_and_the_other_says_so(page, lab, server):
    notebook = live(page, lab, server, "view", STATE)
    notebook.run()
    first, second = page.locator(".ldl-view").nth(0), page.locator(".ldl-view").nth(1)
    second.locator(".ldl-stage").scroll_into_view_if_needed()
    wait_until(lambda: first.get_attribute("data-status") == "error", "the first view giving way")
    wait_until(lambda: second.get_attribute("data-status") == "live", "the second view going on")
    assert "Another view" in first.locator(".ldl-error").inner_text()

    first.get_by_role("button", name="Start").click()
    wait_until(lambda: first.get_attribute("data-status") == "live", "the first view taking over")
    wait_until(lambda: "Another view" in second.locator(".ldl-error").inner_text(), "the second view giving way")
    told = json.loads(notebook.run())
    assert (told["status"], told["running"]) == ("live", True)


def test_reloading_the_page_goes_on_with_the_same_session(page, lab, server):
    notebook = live(page, lab, server, STATE, STATE)
    before = session_of(server, notebook)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.goto(page.url.replace("?reset", ""))
    notebook.wait_status("live", 60)
    wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")

    after = session_of(server, notebook)
    assert after["id"] == before["id"]
    assert after["ledger"]["captured"] > before["ledger"]["captured"]
    assert after["ledger"]["states"]["rejected"] == 0


def test_a_server_that_goes_and_comes_back(page, lab):
    port, token = free_port(), "same-token-as-before"
    server = LiveServer.start(reuse=False, port=port, token=token)
    try:
        notebook = live(page, lab, server, "view.short_side_px = 320", STATE, STATE)
        notebook.run()
        server.stop()
        notebook.wait_status("reconnecting")
        page.wait_for_timeout(500)
        notebook.screenshot("pose-view-server-gone")
        told = json.loads(notebook.run())
        assert "server" in told["error"]
        assert page.locator(".ldl-error").inner_text() == told["error"]

        server = LiveServer.start(reuse=False, port=port, token=token)
        notebook.wait_status("live")
        wait_until(lambda: captured(server) > 30, "frames for the new server")
        wait_until(lambda: notebook.painted_pixels() > 300, "a painted skeleton")
        told = json.loads(notebook.run())
        assert told["error"] == ""
        settings = server.get("/sessions")[0]["settings"]
        assert settings["short_side_px"] == 320, "the tuning survives the server"
        assert settings["angles"] == ["clinical"], "and so do the angles, which cannot be set later"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("server.token = 'wrong'; view = PoseView(None, server)\nview", "refused the token"),
        (
            "from ipywidgets import IntSlider\nview = PoseView(IntSlider(), server)\nview",
            "not an ipywebrtc media stream",
        ),
    ],
    ids=["wrong token", "no stream"],
)
def test_what_is_wrong_is_said_in_words(page, lab, server, cell, words):
    notebook = Notebook(page, lab, [connect(server), cell, STATE])
    notebook.run()
    notebook.run()
    notebook.wait_status("error")

    shown = page.locator(".ldl-error").inner_text()
    assert words in shown
    assert json.loads(notebook.run())["error"] == shown


def test_a_refused_camera_is_said_in_words(playwright, chromium, lab, server):
    browser = launch(playwright, chromium, "--use-fake-device-for-media-stream", "--deny-permission-prompts")
    try:
        page = browser.new_page()
        notebook = Notebook(page, lab, [connect(server), SHOW["camera"], STATE])
        notebook.run()
        notebook.run()
        notebook.wait_status("error")
        notebook.screenshot("pose-view-camera-refused")
        assert "refused the camera" in json.loads(notebook.run())["error"]
    finally:
        browser.close()


def test_a_page_of_another_machine_goes_through_its_jupyter_server(playwright, chromium, lab):
    server = LiveServer.start(reuse=False, port=0, behind_proxy=True)
    browser = launch(playwright, chromium, "--host-resolver-rules=MAP far.test 127.0.0.1")
    try:
        page = browser.new_page()
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        lab_url, lab.url = lab.url, lab.url.replace("127.0.0.1", "far.test")
        try:
            notebook = live(page, lab, server, STATE, source="clip")
        finally:
            lab.url = lab_url
        assert session_of(server, notebook)["ledger"]["states"]["processed"] > 0
        assert any(f"far.test:{lab.port}/proxy/" in url and url.endswith("/ws") for url in sockets)
    finally:
        browser.close()
        server.stop()


def test_the_view_follows_the_dark_theme(page, lab, server):
    lab.set("apputils-extension", "themes", {"theme": "JupyterLab Dark"})
    try:
        notebook = live(page, lab, server, source="clip")
        page.wait_for_timeout(3000)
        notebook.screenshot("pose-view-dark")
        card = page.locator(".ldl-view").evaluate("v => getComputedStyle(v).backgroundColor")
        assert max(int(n) for n in card.removeprefix("rgb(").rstrip(")").split(",")) < 80
    finally:
        lab.set("apputils-extension", "themes", {"theme": "JupyterLab Light"})


def test_a_crash_is_told_for_a_while(page, lab):
    """The server comes back by itself, and so does the view; what happened does not stay on it for ever."""
    with LiveServer.start(reuse=False, port=0) as server:
        notebook = live(page, lab, server)
        os.kill(server.pid, signal.SIGSEGV)
        told = page.locator(".ldl-error")
        wait_until(lambda: "server restarted" in told.inner_text(), "word of the crash")
        notebook.wait_status("live", 90)
        wait_until(lambda: told.inner_text() == "", "an end of the word")
        assert page.wrong == []


def test_a_click_chooses_the_followed_person_and_so_does_the_button(page, lab):
    pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")
    (lab.folder / "duet.mp4").write_bytes(sample_path("duet").read_bytes())
    show = "from ipywebrtc import VideoStream\n" \
           "view = PoseView(VideoStream.from_file('duet.mp4'), server, max_people=2, hands=False)\nview"  # fmt: skip
    with LiveServer.start(reuse=False, port=0, estimator="blazepose") as server:
        notebook = Notebook(page, lab, [connect(server), show])
        notebook.run()
        notebook.run()
        notebook.wait_status("live")
        button = page.get_by_role("button", name="is followed")
        wait_until(lambda: button.is_visible() and button.inner_text() == "Person 1", "a choice of people")
        canvas = page.locator(".ldl-canvas")
        canvas.scroll_into_view_if_needed()
        with LiveSession.attach(server) as session:

            def clicked() -> bool:
                """Click between the hips of person 2; they may have moved on, then the next click may be right."""
                people = {person.id: person for person in session.latest.people} if session.latest else {}
                if 2 in people:
                    place = people[2].keypoints_px[[23, 24], :2].mean(axis=0) / session.latest.source_size_px
                    box = canvas.bounding_box()
                    page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
                    page.wait_for_timeout(300)
                return button.inner_text() == "Person 2"

            wait_until(clicked, "person 2 being followed", 30)
            assert session.latest.followed_id == 2
            assert "Person 2 is followed" in canvas.get_attribute("title")
            notebook.screenshot("pose-view-person-2-followed")
            button.focus()
            page.keyboard.press("Space")
            wait_until(lambda: session.latest.followed_id == 1, "person 1 being followed again", 10)
            changes = list(session.events.loc[session.events["name"] == "followed person changed", "data"])
            assert changes[0] == {"person": 2, "before": 1}
            assert changes[-1]["person"] == 1
    assert page.wrong == []
