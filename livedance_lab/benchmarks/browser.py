"""A page in a real Chromium with the widget's own modules, to be measured."""

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

_STATIC = Path(_widgets).parent / "static"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOADED_WITHIN_MS = 60_000
_PAGE = "http://localhost/livedance/"  # never asked over the network; a name that browsers give cameras to


@contextmanager
def page_with(script: str, film: Path | None = None) -> Iterator[Page]:
    """A page that has run a script, in a browser that ends with the block.

    Parameters
    ----------
    script : str
        A module; it imports the widget's modules from ``./`` and finds a ``<video>`` in the page.
    film : Path, optional
        What the camera shows: an MJPEG file.

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
        flags.append("--no-sandbox")  # Chromium refuses its sandbox to root
    program = os.environ.get("LIVEDANCE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=flags)
        except Error as exc:
            raise LiveDanceError(f"Chromium does not start: {exc.message.splitlines()[0]}") from exc
        try:
            page = browser.new_page()
            page.set_default_timeout(_LOADED_WITHIN_MS)
            page.route(
                f"{_PAGE}**", lambda route: route.fulfill(**_file(route.request.url.removeprefix(_PAGE), script))
            )
            page.goto(_PAGE)
            page.wait_for_function("window.loaded")
            yield page
        finally:
            browser.close()


def _file(name: str, script: str) -> dict[str, Any]:
    """What the page loads: itself, its script, and the widget's own modules."""
    if not name:
        return {
            "content_type": "text/html",
            "body": '<video muted></video><script type="module" src="run.js"></script>',
        }
    if name == "run.js":
        return {"content_type": "text/javascript", "body": f"{script}\nwindow.loaded = true;"}
    return {"content_type": "text/javascript", "path": _STATIC / Path(name).name}
