"""A picture in the notebook that is replaced several times a second, at the pace the browser can take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from livedance_lab.widgets._esm import join_modules

__all__ = ["LiveImage"]

_STATIC = Path(__file__).parent / "static"
_CSS = ".ldl-live-image { display: block; max-width: 100%; height: auto; border-radius: 8px; }"

_UNSHOWN = 2  # pictures that may be on their way: one is decoded while the next travels
_DEAD_AFTER_S = 1.0


class LiveImage(anywidget.AnyWidget):
    """Shows the newest of the pictures it is given; keeps no queue.

    Attributes
    ----------
    dark : bool or None
        Whether the page is dark; None before it has said so.
    on_change : callable or None
        Called when a view appears, becomes visible or hidden, or the page changes its colours. Not always in the
        main thread.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode(_CSS).tag(sync=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dark: bool | None = None
        self.on_change: Callable[[], None] | None = None
        self._visible: set[str] = set()
        self._known = False
        self._sent = self._shown = 0
        self._sent_s = -_DEAD_AFTER_S
        self.on_msg(self._hear)

    @traitlets.default("_esm")
    def _join_esm(self) -> str:
        return join_modules(_STATIC, "live_image.js")

    @property
    def hidden(self) -> bool:
        """Whether a page is known to show it nowhere; False as long as no page has said anything."""
        return self._known and not self._visible

    def may_send(self, now_s: float) -> bool:
        """Whether the browser can take another picture.

        It says when it has shown one. Where it cannot say so (no page, or the kernel is too busy to hear), one
        picture a second goes out all the same.
        """
        return self._sent - self._shown < _UNSHOWN or now_s - self._sent_s >= _DEAD_AFTER_S

    def show(self, picture: bytes, now_s: float) -> None:
        """Send a picture (JPEG or PNG)."""
        self._sent += 1
        self._sent_s = now_s
        self.send({"number": self._sent}, buffers=[picture])

    def _hear(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        if message["kind"] == "shown":
            self._shown = max(self._shown, message["number"])
            return
        self._known = True
        self.dark = bool(message["dark"])
        (self._visible.add if message["visible"] else self._visible.discard)(message["id"])
        if self.on_change is not None:
            self.on_change()
