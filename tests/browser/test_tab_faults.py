"""A tab that dies in the middle of a session: its frames are counted."""

from __future__ import annotations

import os
import signal

from tests.browser.conftest import wait_until
from tests.browser.live_page import STATE, live, session_of


def test_a_killed_tab_ends_its_session_with_every_frame_counted(page, lab, server):
    notebook = live(page, lab, server, STATE)
    session = session_of(server, notebook)
    assert session["producer"]

    processes = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    for process in processes:
        if process["type"] == "renderer":  # this page's, and what the browser keeps ready
            os.kill(process["id"], signal.SIGKILL)

    def now() -> dict:
        return next(s for s in server.get("/sessions") if s["id"] == session["id"])

    wait_until(lambda: not now()["producer"], "the server noticing that the tab is gone")
    wait_until(lambda: now()["ended"], "the end of a session nobody came back to")
    ledger = now()["ledger"]
    assert ledger["conserved"]
    assert ledger["captured"] >= session["ledger"]["captured"]
