"""What a camera's frames are sent as."""

from __future__ import annotations

import asyncio
from typing import Any

from livedance_lab.client.clip_source import play_camera
from livedance_lab.media.images import check
from livedance_lab.samples import sample_path
from livedance_lab.settings import Settings


class Recorder:
    """Stands for the connected client: what is sent, and the settings the server told it."""

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
    assert client.short_sides[:2] == [240, 240]  # as asked for here, until the session says otherwise
    assert set(client.short_sides[2:]) == {192}
