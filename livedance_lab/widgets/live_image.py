"""A picture in the notebook that is replaced several times a second, as fast as the browser can show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from livedance_lab.widgets._esm import join_modules
from livedance_lab.widgets.markup import STATIC

__all__ = ["LiveImage"]

_MAX_UNCONFIRMED = 2  # one picture is decoded while the next is sent
_RESEND_AFTER_S = 1.0


class LiveImage(anywidget.AnyWidget):
    """Shows the newest picture; it has no queue.

    Attributes
    ----------
    sent : int
        Number of pictures sent so far.
    dark : bool or None
        Whether the page is dark; None while unknown.
    on_change : callable or None
        Called when a view appears, becomes visible or hidden, or the page changes its colours. May be called in
        another thread than the main one.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sent = 0
        self.dark: bool | None = None
        self.on_change: Callable[[], None] | None = None
        self._visible: set[str] = set()
        self._known = False
        self._confirmed = 0
        self._sent_s = -_RESEND_AFTER_S
        self.on_msg(self._on_message)

    @traitlets.default("_esm")
    def _join_esm(self) -> str:
        return join_modules(STATIC, "live_image.js")

    @traitlets.default("_css")
    def _read_css(self) -> str:
        return (STATIC / "live_image.css").read_text(encoding="utf-8")

    @property
    def hidden(self) -> bool:
        """Whether no page shows the picture; False until a page has reported."""
        return self._known and not self._visible

    def may_send(self, now_s: float) -> bool:
        """Return whether the browser can take another picture.

        The browser confirms each picture it has shown. Without confirmations (no page, or a kernel that is too busy
        to receive them), one picture per second is sent.
        """
        return self.sent - self._confirmed < _MAX_UNCONFIRMED or now_s - self._sent_s >= _RESEND_AFTER_S

    def show(self, picture: bytes, now_s: float) -> None:
        """Send a picture (JPEG or PNG)."""
        self.sent += 1
        self._sent_s = now_s
        self.send({"number": self.sent}, buffers=[picture])

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        if message["kind"] == "shown":
            self._confirmed = max(self._confirmed, message["number"])
            return
        self._known = True
        self.dark = bool(message["dark"])
        (self._visible.add if message["visible"] else self._visible.discard)(message["id"])
        if self.on_change is not None:
            self.on_change()
