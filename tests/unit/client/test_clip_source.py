"""How a camera's frames are encoded."""

from __future__ import annotations

import asyncio
from typing import Any

from livedance_lab.client.clip_source import play_camera
from livedance_lab.media.images import check
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings


class Recorder:
    """A connected client that records the frames; the settings change after the second one."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = Settings().plain()
        self.short_sides: list[int] = []

    async def send(self, image: bytes, size_px: tuple[int, int], t_s: float) -> bool:
        _, width, height = check(image)
        self.short_sides.append(min(width, height))
        if len(self.short_sides) == 2:
            self.settings = {**self.settings, "short_side_px": 192}
        return True


def test_a_cameras_frames_get_smaller_as_soon_as_the_session_asks_for_it():
    client = Recorder()
    asyncio.run(play_camera(client, str(sample_path()), Settings(short_side_px=240)))  # type: ignore[arg-type]

    assert len(client.short_sides) > 2
    assert client.short_sides[:2] == [240, 240]  # the settings passed in, until the session's change
    assert set(client.short_sides[2:]) == {192}
