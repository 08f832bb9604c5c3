"""Runs a page with the widget's own modules in a real Chromium, for measurements."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livedance_lab.errors import LiveDanceError
from livedance_lab.widgets import __file__ as _widgets

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page_with"]

_STATIC = Path(__file__).parent / "static"
_WIDGET = Path(_widgets).parent / "static"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOAD_TIMEOUT_MS = 60_000
_PAGE = "http://localhost/livedance/"  # never requested over the network; pages of this host may use a camera


@contextmanager
def page_with(script: str, film: Path | None = None) -> Iterator[Page]:
    """A page that has run a script, in a browser that is closed at the end of the block.

    Parameters
    ----------
    script : str
        Name of a module in ``static/``; it can import the widget's modules from ``./``, and the page has a ``<video>``.
    film : Path, optional
        The images of the camera: an MJPEG file.

    Raises
    ------
    LiveDanceError
        If Playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as exc:
        raise LiveDanceError("this needs Playwright: pip install playwright, and a Chromium on this machine.") from exc
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    if film is not None:
        flags.append(f"--use-file-for-fake-video-capture={film}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium's sandbox does not work for root
    program = os.environ.get("LIVEDANCE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=flags)
        except Error as exc:
            raise LiveDanceError(f"Chromium does not start: {exc.message.splitlines()[0]}") from exc
        try:
            page = browser.new_page()
            page.set_default_timeout(_LOAD_TIMEOUT_MS)
            page.route(
                f"{_PAGE}**", lambda route: route.fulfill(**_file(route.request.url.removeprefix(_PAGE), script))
            )
            page.goto(_PAGE)
            page.wait_for_function("window.loaded")
            yield page
        finally:
            browser.close()


def _file(name: str, script: str) -> dict[str, Any]:
    """The answer to a request of the page: the page itself, its script, or a module of the widget."""
    if not name:
        load = f'<script type="module">import "./{script}"; window.loaded = true;</script>'
        return {"content_type": "text/html", "body": f"<video muted></video>{load}"}
    folder = _STATIC if name == script else _WIDGET
    return {"content_type": "text/javascript", "path": folder / Path(name).name}
