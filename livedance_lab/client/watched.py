"""A session as it runs: its newest result, its settings, its messages; changing and marking it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from livedance_lab.client.remote_log import RemoteLog, ServerAddress, trust_of
from livedance_lab.client.viewer import Watcher
from livedance_lab.clock import ClockOffset, now_s
from livedance_lab.settings import Settings
from livedance_lab.wire.results import WireResult

__all__ = ["WatchedSession"]


class WatchedSession(RemoteLog):
    """One session on a server, watched from a thread of its own.

    Parameters
    ----------
    server : ServerAddress
    session_id : str
    """

    def __init__(self, server: ServerAddress, session_id: str) -> None:
        super().__init__(server, session_id)
        self._watcher = Watcher(server.url, server.token, session_id, trust_of(server))

    @property
    def latest(self) -> WireResult | None:
        """The newest result; None before the first."""
        return self._watcher.viewer.latest

    @property
    def stats(self) -> dict[str, Any]:
        """The browser's newest readings: camera and painted FPS, and so on; empty without a browser."""
        return self._watcher.stats

    @property
    def results_per_s(self) -> float:
        """Results that reached this side per second, over the last two seconds."""
        return self._watcher.rate.rate_hz(now_s())

    @property
    def error(self) -> str:
        """Why nothing new is seen, in words; empty while all is well. It is tried again as long as it is not."""
        return self._watcher.error

    @property
    def summary(self) -> dict[str, Any]:
        """The session in numbers, as the server sees it now."""
        answer: dict[str, Any] = self.server.get(f"/sessions/{self.id}")
        return answer

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return Settings.parse(self._watcher.viewer.settings)

    @property
    def settings_version(self) -> int:
        """Counts the changes of settings; each row of the results names the one it was made with."""
        return self._watcher.settings_version

    def set(self, *, by: str = "kernel", **changes: Any) -> Settings:
        """Change settings of the running session, from the next frame on; logged as an event.

        Parameters
        ----------
        by : str
            Who changes them, for the log.
        **changes
            Fields of `Settings`.

        Raises
        ------
        SettingsError
            If a name is unknown or a value does not fit; nothing is changed then.
        ServerError
            If the server refuses.
        """
        new = self.settings.changed(changes)
        wanted = {name: new.plain()[name] for name in changes}
        said, _ = self.server.call("PATCH", f"/sessions/{self.id}/settings", {"changes": wanted, "by": by})
        answer = json.loads(said)
        self._watcher.settings_version = max(self.settings_version, answer["version"])
        self._watcher.viewer.settings = answer["settings"]
        return Settings.parse(answer["settings"])

    def mark(self, name: str, *, t_s: float | None = None, **data: Any) -> None:
        """Put a marker into the event log, at a time of the server's clock or, without one, as it arrives there."""
        self.server.call("POST", f"/sessions/{self.id}/marks", {"name": name, "data": data, "t_s": t_s})

    def on_result(self, listener: Callable[[WireResult], None]) -> Callable[[], None]:
        """Call `listener` with each new result, newest only, in a thread of this session.

        Returns
        -------
        callable
            Call it to stop.
        """
        return self._watcher.on_result(listener)

    def on_message(self, listener: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Call `listener` with each message that is no result: settings, stats, events, the end.

        Messages are those of `livedance_lab.wire.messages`, as dicts, in a thread of this session.

        Returns
        -------
        callable
            Call it to stop.
        """
        return self._watcher.on_message(listener)

    @property
    def angle_names(self) -> tuple[str, ...]:
        """The session's joint angles, in the order of `WireResult.angles_deg` and `angles_smooth_deg`."""
        return tuple(self._watcher.viewer.welcome["angles"])

    @property
    def clock_offset(self) -> ClockOffset:
        """The server's clock minus this process's (`now_s`), as measured; unknown for a moment after connecting."""
        return self._watcher.viewer.clock.best

    def server_time_s(self, t_s: float) -> float:
        """A time of this process's clock on the server's; as it is while the difference is not known."""
        offset = self.clock_offset
        return offset.to_server(t_s) if offset.known else t_s
