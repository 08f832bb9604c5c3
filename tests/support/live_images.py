"""What the browser sends about the picture it shows."""

from __future__ import annotations

from livedance_lab.widgets.live_image import LiveImage


def view(image: LiveImage, name: str, *, visible: bool, dark: bool = False) -> None:
    image._on_message(image, {"kind": "view", "id": name, "visible": visible, "dark": dark}, [])


def shown(image: LiveImage, number: int) -> None:
    image._on_message(image, {"kind": "shown", "number": number}, [])
