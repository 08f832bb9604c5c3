"""One session on a server, as a notebook uses it: watch it, change settings, mark it, read its log, export it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livedance_lab.client.background_source import BackgroundSource
from livedance_lab.client.clip_source import EncodedClip, Tick, clip_or_camera, play_clip, produce
from livedance_lab.client.live_client import LiveClient
from livedance_lab.client.recording_source import ReplaySource, play_recording
from livedance_lab.client.remote_log import RemoteLog
from livedance_lab.client.remote_tables import RemoteTables
from livedance_lab.client.viewer import Viewer
from livedance_lab.clock import ClockOffset, now_s
from livedance_lab.errors import ConnectionLost, ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.session_data.notebook_display import as_html, as_text
from livedance_lab.settings import Settings
from livedance_lab.wire.messages import parse_json
from livedance_lab.wire.results import WireResult

if TYPE_CHECKING:
    from livedance_lab.client.frame_credit import Pacing

__all__ = ["LiveSession"]

_CHECK_EVERY_S = 0.05
_END_WITHIN_S = 10.0


class LiveSession(RemoteTables):
    """One session (`id`) on a server (`server`): `LiveSession.open` makes a new one, `attach` finds a running one.

    The server captures and computes in its own process, also while a notebook cell runs or the kernel restarts.
    """

    def __init__(self, server: LiveServer, session_id: str) -> None:
        self.server, self.id = server, session_id
        self._path = f"/sessions/{session_id}"
        self._log, self._viewer = RemoteLog(server, session_id), Viewer(server, session_id)
        self._background: list[BackgroundSource] = []

    @classmethod
    def open(cls, server: LiveServer, session: str | None = None, **settings: Any) -> LiveSession:
        """Open a new session and watch it.

        Parameters
        ----------
        server : LiveServer
        session : str, optional
            Its name: letters, digits, ``.``, ``_``, ``-``.
        **settings
            Changes to the server's default settings.

        Raises
        ------
        ServerError
            If the server refuses; the message says why.
        """
        body = {"settings": Settings().changed(settings).model_dump(include=set(settings), mode="json")}
        if session is not None:
            body["session"] = session  # type: ignore[assignment]
        return cls(server, parse_json(server.call("POST", "/sessions", body)[0])["id"])

    @classmethod
    def attach(cls, server: LiveServer, session: str | None = None) -> LiveSession:
        """Watch a running session, by id or the newest one.

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

    @classmethod
    def open_or_attach(cls, server: LiveServer, session: str, **settings: Any) -> LiveSession:
        """Attach to the session of this name if it is running, else open it, so that a cell can be run again.

        Parameters and errors are those of `open`; `settings` are applied in both cases.
        """
        if all(known["id"] != session for known in server.get("/sessions")):
            return cls.open(server, session, **settings)
        attached = cls.attach(server, session)
        if settings:
            attached.set(**settings)
        return attached

    # --- watching and changing it

    @property
    def latest(self) -> WireResult | None:
        """The newest result; None before the first."""
        return self._viewer.client.latest

    @property
    def stats(self) -> dict[str, Any]:
        """The browser's newest statistics: camera and painted frames per second, and so on; empty without a browser."""
        return self._viewer.stats

    @property
    def results_per_s(self) -> float:
        """Results that reached this process per second, over the last two seconds."""
        return self._viewer.rate.rate_hz(now_s())

    @property
    def error(self) -> str:
        """Why no results arrive; empty while they can. The connection is retried as long as there is an error."""
        return self._viewer.error

    @property
    def summary(self) -> dict[str, Any]:
        """The server's present figures: rates, ages, settings, clock, ledger."""
        return parse_json(self.server.call("GET", self._path)[0])

    @property
    def angle_names(self) -> tuple[str, ...]:
        """The session's joint angles, in the order of `WireResult.angles_deg` and `angles_smooth_deg`."""
        return tuple(self._viewer.client.welcome["angles"])

    def on_result(self, listener: Callable[[WireResult], None]) -> Callable[[], None]:
        """Call `listener` with each new result, in the viewer's thread; the returned function stops that."""
        return self._viewer.on_result(listener)

    def on_message(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `listener` with each other message (see `wire.messages`); the returned function stops that."""
        return self._viewer.on_message(listener)

    def wait(self, seconds: float, start_within_s: float = 60.0) -> None:
        """Wait for the first result, then let the session run for some seconds.

        Parameters
        ----------
        seconds : float
        start_within_s : float, default 60
            How long the first result may take.

        Raises
        ------
        ConnectionLost
            If no result comes in time, or the session cannot be watched any more.
        """
        self._viewer.wait(seconds, start_within_s, lambda: "; ".join(b.error for b in self._background if b.error))

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return Settings.parse(self._viewer.client.settings)

    @property
    def settings_version(self) -> int:
        """Version number of the current settings; each row of the results names the one it was made with."""
        return self._viewer.settings_version

    def set(self, *, by: str = "kernel", **changes: Any) -> Settings:
        """Change settings of the running session from the next frame on; the change is logged as an event.

        Parameters
        ----------
        by : str
            Who changes them, for the log.
        **changes
            Fields of `Settings`.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is out of range; nothing is changed then.
        ServerError
            If the server refuses.
        """
        new = self.settings.changed(changes).plain()
        body = {"changes": {name: new[name] for name in changes}, "by": by}
        answer = parse_json(self.server.call("PATCH", f"{self._path}/settings", body)[0])
        self._viewer.adopt(answer)
        return Settings.parse(answer["settings"])  # not `self.settings`: an older change's message may arrive just now

    def follow(self, person_id: int) -> None:
        """Follow another person from the next result on; an event of the kind "people" logs the change.

        `WireResult.person` and everything that shows one person (plots, Lab Streaming Layer) are about them then.

        Raises
        ------
        ServerError
            If nobody in the session has this id; the message names the known ids.
        """
        self.server.call("POST", f"{self._path}/follow", {"person": person_id})

    def mark(self, name: str, *, t_s: float | None = None, **data: Any) -> None:
        """Put a marker into the event log, at a time of the server's clock; by default when it arrives there."""
        self.server.call("POST", f"{self._path}/marks", {"name": name, "data": data, "t_s": t_s})

    @property
    def clock_offset(self) -> ClockOffset:
        """The server's clock minus this process's (`now_s`), as measured; unknown just after connecting."""
        return self._viewer.client.clock.best

    def server_time_s(self, t_s: float) -> float:
        """Map a time of this process's clock to the server's; returns it unchanged while the offset is unknown."""
        offset = self.clock_offset
        return offset.to_server(t_s) if offset.known else t_s

    # --- recording

    def record(self, path: str | Path, *, keep_video: bool = False, blur_faces: bool = False) -> dict[str, Any]:
        """Record to a folder, in the server's process, beginning with the rows that the log still holds.

        Parameters
        ----------
        path : str or Path
            A new folder; it must lie below the folder the server was started in (or its ``--record-root``).
        keep_video : bool, default False
            Also keep the received images, original bytes. Only with the participant's consent.
        blur_faces : bool, default False
            Make faces unrecognisable in them.

        Raises
        ------
        ServerError
            If the folder cannot be used; the session continues.
        """
        body = {"path": str(Path(path).expanduser().absolute()), "keep_video": keep_video, "blur_faces": blur_faces}
        return parse_json(self.server.call("POST", f"{self._path}/recording", body)[0])

    def stop_recording(self) -> dict[str, Any]:
        """Finish the recording; returns its path and rows."""
        return parse_json(self.server.call("DELETE", f"{self._path}/recording")[0])

    # --- sending frames without a browser, ending

    def stream(
        self, source: str | Path | int | EncodedClip, *, seconds: float | None = None, fps: float | None = None,
        pacing: Pacing | None = None, legacy: bool = False, tick: Tick | None = None, end: bool = False,
    ) -> LiveClient:  # fmt: skip
        """Play a video file or a local camera into this session; returns when it is over.

        Parameters
        ----------
        source : str, Path, int or EncodedClip
            File name, camera index, or a clip read and encoded before.
        seconds : float, optional
            How long; by default the clip's own length, or without limit from a camera.
        fps : float, optional
            Frames offered per second; by default the clip's own rate.
        pacing : {"auto", "paced", "free"}, optional
            When to hold frames back; by default the session's setting.
        legacy : bool, default False
            Send as the original demo did, for comparison.
        tick : callable, optional
            Called after each frame with the client.
        end : bool, default False
            Close the session's ledger afterwards.

        Returns
        -------
        LiveClient
            Closed; its counters can be read.

        Raises
        ------
        ImageError
            If the source gives no images.
        ConnectionRefused, ConnectionLost
        """
        name, play = clip_or_camera(source, self.settings, seconds, fps)
        work = produce(self.server, self.id, play, tick, end, about={"source": name}, pacing=pacing, legacy=legacy)
        return self._viewer.run(work)

    def play_in_background(
        self, source: str | Path, *, fps: float | None = None, seconds: float = math.inf,
        wait_for_browser_s: float = 4.0,
    ) -> BackgroundSource:  # fmt: skip
        """Play a clip into this session if no browser sends frames, while the notebook continues.

        A view on the page captures and sends by itself; then this does nothing. Without a browser (a test, a
        server, a script) the clip is played from here, again and again, until `seconds` are over, `stop` is called
        or the session ends. A browser that connects later replaces it.

        Parameters
        ----------
        source : str or Path
            A video file.
        fps : float, optional
            Frames offered per second; by default the clip's own rate.
        seconds : float
        wait_for_browser_s : float, default 4
            How long to wait for a view before the clip is played.
        """

        def play(clip: EncodedClip, stopped: Callable[[], bool]) -> None:
            play = partial(play_clip, clip=clip, fps=fps, seconds=seconds, stopped=stopped)
            self._viewer.run(produce(self.server, self.id, play, about={"source": clip.name}))

        self._background.append(BackgroundSource(
            source, lambda: self.settings, lambda: self.summary["producer"], play, wait_for_browser_s))  # fmt: skip
        return self._background[-1]

    def replay(
        self, source: ReplaySource, *, speed: float = 1.0, tick: Tick | None = None, end: bool = False
    ) -> LiveClient:
        """Play a recording into this session; returns when it is over.

        Parameters
        ----------
        source : ReplaySource
            Raw landmarks need a server with the "replay" estimator; the "sequential" design suits them best.
        speed : float, default 1
            Multiple of the original speed; infinity: as fast as possible, no frame dropped.
        tick, end
            As for `stream`.
        """
        play = partial(play_recording, source=source, speed=speed)
        about = {"source": f"recording {source.recording.session_id}", "speed": str(speed)}
        work = produce(self.server, self.id, play, tick, end, about=about, pacing="free", own_clock=False)
        return self._viewer.run(work)

    def end(self) -> None:
        """Stop background clips and close the ledger; returns when every frame has its final state.

        Raises
        ------
        ServerError
            If the server does not answer, or does not finish in time.
        """
        for background in self._background:
            background.stop()
        self.server.call("POST", f"{self._path}/end", {})
        give_up_s = now_s() + _END_WITHIN_S
        while not self.summary["ended"]:
            if now_s() > give_up_s:
                raise ServerError(f"session {self.id} did not end within {_END_WITHIN_S:.0f} s.")
            time.sleep(_CHECK_EVERY_S)

    def close(self) -> None:
        """Stop watching and sending; the session on the server continues."""
        for background in self._background:
            background.stop()
        self._viewer.close()

    def __enter__(self) -> LiveSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return as_text(f"LiveSession {self.id}", self._log.facts())

    def _repr_html_(self) -> str:
        return as_html(f"LiveSession {self.id}", self._log.facts())
