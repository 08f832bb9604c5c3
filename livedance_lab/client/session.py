"""A session as the researcher holds it in a notebook: watch it, tune it, mark it, read its log, export it.

Nothing here captures or computes: the server does, in its own process, and goes on while a cell runs or the
kernel restarts. `LiveSession.attach` takes a running session up again.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from livedance_lab.client.feed import EncodedClip, play_camera, play_clip
from livedance_lab.client.link import LiveClient
from livedance_lab.errors import ConnectionLost, LiveDanceError
from livedance_lab.settings import Settings
from livedance_lab.tables.data import LedgerCounts, SessionData
from livedance_lab.tables.mirror import LogMirror
from livedance_lab.wire.codec import WireResult

if TYPE_CHECKING:
    import pandas as pd

    from livedance_lab.client.credit import Pacing

__all__ = ["LiveSession", "ServerAddress"]

T = TypeVar("T")


class ServerAddress(Protocol):
    """What a session needs of a server: `LiveServer` is one."""

    url: str
    token: str

    def call(self, method: str, path: str, body: Any = None, timeout_s: float = 10.0) -> tuple[bytes, dict[str, str]]:
        """An HTTP call: bytes and headers of the answer."""
        ...

    def get(self, path: str) -> Any:
        """An HTTP call's JSON answer."""
        ...


class LiveSession:
    """One session on a server, seen from Python.

    Use `LiveSession.open` for a new one and `LiveSession.attach` for one that is running.

    Attributes
    ----------
    id : str
    latest : WireResult or None
        The newest result.
    stats : dict
        The browser's newest readings: camera and painted FPS, and so on.
    """

    def __init__(self, server: ServerAddress, session_id: str) -> None:
        self.server, self.id = server, session_id
        self.stats: dict[str, Any] = {}
        self._mirror = LogMirror(self._fetch)
        self._listeners: list[Callable[[WireResult], None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="livedance-session", daemon=True)
        self._thread.start()
        self._viewer: LiveClient | None = None
        self._watching: asyncio.Task[None] | None = None
        self._run(self._watch())

    @classmethod
    def open(cls, server: ServerAddress, session: str | None = None, **settings: Any) -> LiveSession:
        """Make a new session and watch it.

        Parameters
        ----------
        server : LiveServer
        session : str, optional
            What to call it: letters, digits, ``.``, ``_``, ``-``.
        **settings
            Changes to the server's default settings.

        Raises
        ------
        ServerError
            If the server refuses; its words are in the message.
        """
        body = {"settings": Settings().changed(settings).model_dump(include=set(settings), mode="json")}
        if session is not None:
            body["session"] = session  # type: ignore[assignment]
        return cls(server, json.loads(server.call("POST", "/sessions", body)[0])["id"])

    @classmethod
    def attach(cls, server: ServerAddress, session: str | None = None) -> LiveSession:
        """Take up a running session again, by id or the newest one.

        Raises
        ------
        ConnectionLost
            If there is none.
        """
        if session is None:
            ids = [s["id"] for s in server.get("/sessions")]
            if not ids:
                raise ConnectionLost("the server has no session to attach to; open one.")
            session = ids[-1]
        return cls(server, session)

    # --- live

    @property
    def latest(self) -> WireResult | None:
        """The newest result; None before the first."""
        return self._viewer.latest if self._viewer is not None else None

    @property
    def summary(self) -> dict[str, Any]:
        """The session in numbers, as the server sees it now."""
        answer: dict[str, Any] = self.server.get(f"/sessions/{self.id}")
        return answer

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return Settings.parse(self._viewer.settings if self._viewer is not None else self.summary["settings"])

    def set(self, **changes: Any) -> Settings:
        """Change settings of the running session, from the next frame on; logged as an event.

        Raises
        ------
        SettingsError
            If a name is unknown or a value does not fit; nothing is changed then.
        ServerError
            If the server refuses.
        """
        new = self.settings.changed(changes)
        wanted = {name: new.plain()[name] for name in changes}
        self.server.call("PATCH", f"/sessions/{self.id}/settings", {"changes": wanted, "by": "kernel"})
        if self._viewer is not None:
            self._viewer.settings = new.plain()
        return new

    def mark(self, name: str, **data: Any) -> None:
        """Put a marker into the event log, stamped by the server as it arrives."""
        self.server.call("POST", f"/sessions/{self.id}/marks", {"name": name, "data": data})

    def on_result(self, listener: Callable[[WireResult], None]) -> Callable[[], None]:
        """Call `listener` with each new result, newest only, in a thread of this session.

        Returns
        -------
        callable
            Call it to stop.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- feeding it without a browser

    def stream(
        self,
        source: str | Path | int | EncodedClip,
        *,
        seconds: float | None = None,
        fps: float | None = None,
        pacing: Pacing = "auto",
        legacy: bool = False,
        tick: Callable[[LiveClient], None] | None = None,
        end: bool = False,
    ) -> LiveClient:
        """Play a video file or a local camera into this session; returns when it is over.

        Parameters
        ----------
        source : str, Path, int or EncodedClip
            File name, camera index, or a clip read and encoded before.
        seconds : float, optional
            How long; a clip's own length, or without limit from a camera.
        fps : float, optional
            Frames offered per second; the clip's own rate if not given.
        pacing : {"auto", "paced", "free"}
        legacy : bool, default False
            Send as the original demo did, for comparison.
        tick : callable, optional
            Called after each frame with the client, for progress.
        end : bool, default False
            Close the session's ledger afterwards.

        Returns
        -------
        LiveClient
            Closed; its counters can be read.

        Raises
        ------
        ImageError
            If the source gives no pictures.
        ConnectionRefused, ConnectionLost
        """
        settings = self.settings
        clip: EncodedClip | None = None
        if isinstance(source, EncodedClip):
            clip = source
        elif not str(source).isdecimal():
            clip = EncodedClip.read(source, settings, seconds or math.inf)

        async def play() -> LiveClient:
            about = {"source": clip.name if clip is not None else f"camera {source}"}
            async with LiveClient(
                self.server.url, self.server.token, session=self.id, pacing=pacing, about=about, legacy=legacy
            ) as client:
                report = (lambda: tick(client)) if tick is not None else None
                await client.wait_ready()
                if clip is None:
                    await play_camera(client, str(source), settings, seconds or math.inf, report)
                else:
                    await play_clip(client, clip, fps, seconds, report)
                await client.settle()
                if end:
                    await client.end()
                return client

        return self._run(play())

    def end(self) -> None:
        """Close the ledger: no more frames will come."""
        self.server.call("POST", f"/sessions/{self.id}/end", {})

    # --- the log

    def data(self) -> SessionData:
        """Everything logged so far, as tables."""
        self._mirror.update()
        return self._mirror.data(self.manifest)

    @property
    def manifest(self) -> dict[str, Any]:
        """Versions, models, settings, clock: what a reader of the data must know."""
        answer: dict[str, Any] = self.server.get(f"/sessions/{self.id}/manifest")
        return answer

    @property
    def frames(self) -> pd.DataFrame:
        """The ledger: one row per captured frame, with its state and all its times."""
        return self.data().frames

    @property
    def angles(self) -> pd.DataFrame:
        """One row per result: joint angles, raw and smoothed, degrees."""
        return self.data().angles

    @property
    def landmarks(self) -> pd.DataFrame:
        """One row per keypoint and result."""
        return self.data().landmarks

    @property
    def events(self) -> pd.DataFrame:
        """Settings changes, clock estimates, markers, connections."""
        return self.data().events

    @property
    def ledger(self) -> LedgerCounts:
        """How the frames ended, in numbers."""
        return self.data().ledger

    # --- the recording

    def record(self, path: str | Path, *, keep_video: bool = False, blur_faces: bool = False) -> dict[str, Any]:
        """Record to a folder, in the server's process, with what the log still holds of before.

        Parameters
        ----------
        path : str or Path
            A new folder; it must lie below the folder the server was started in (or its ``--record-root``).
        keep_video : bool, default False
            Also keep the received pictures, original bytes. Only with the participant's consent.
        blur_faces : bool, default False
            Make faces unrecognisable in them.

        Raises
        ------
        ServerError
            If the folder cannot be used; the session goes on.
        """
        body = {"path": str(Path(path).expanduser().absolute()), "keep_video": keep_video, "blur_faces": blur_faces}
        answer: dict[str, Any] = json.loads(self.server.call("POST", f"/sessions/{self.id}/recording", body)[0])
        return answer

    def stop_recording(self) -> dict[str, Any]:
        """Finish the recording; says where it is and how many rows it has."""
        answer: dict[str, Any] = json.loads(self.server.call("DELETE", f"/sessions/{self.id}/recording")[0])
        return answer

    # --- closing

    def close(self) -> None:
        """Stop watching; the session on the server goes on."""
        if self._loop.is_closed():
            return
        self._run(self._stop_watching())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    def __enter__(self) -> LiveSession:
        """Use it in a `with` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop watching."""
        self.close()

    # --- inside

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _watch(self) -> None:
        viewer = LiveClient(self.server.url, self.server.token, session=self.id, role="viewer", on_message=self._hear)
        await viewer.__aenter__()
        self._viewer = viewer
        self._watching = asyncio.create_task(self._pass_on(viewer))

    async def _pass_on(self, viewer: LiveClient) -> None:
        try:
            async for result in viewer.results():
                for listener in list(self._listeners):
                    listener(result)
        except LiveDanceError:
            self._viewer_error = viewer.failure  # shown by whoever asks; the log stays readable over HTTP

    async def _stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._viewer is not None:
            await self._viewer.close()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "stats":
            self.stats = message["values"]

    def _fetch(self, table: str, after: int) -> tuple[bytes, int, int]:
        data, headers = self.server.call("GET", f"/sessions/{self.id}/log/{table}?after={after}", timeout_s=60.0)
        return data, int(headers["X-Next-Row"]), int(headers["X-Forgotten-Rows"])
