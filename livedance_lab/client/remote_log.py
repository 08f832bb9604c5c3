"""A running session's log, as the notebook reads it: fetched from the server, only what is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from livedance_lab.export import export
from livedance_lab.session_data.data import LedgerCounts, SessionData
from livedance_lab.session_data.log_copy import LogMirror
from livedance_lab.system.tls import Trust
from livedance_lab.wire.messages import parse_json

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RemoteLog", "ServerAddress", "trust_of"]


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


def trust_of(server: ServerAddress) -> Trust:
    """Whose certificates count in speaking to it: what it says itself (`LiveServer.trust`), else the system's."""
    trust: Trust = getattr(server, "trust", True)
    return trust


class RemoteLog:
    """The tables of one session on a server.

    The server keeps them, whatever the notebook's kernel does meanwhile: nothing is lost while a cell runs.

    Parameters
    ----------
    server : ServerAddress
    session_id : str
    """

    def __init__(self, server: ServerAddress, session_id: str) -> None:
        self.server, self.id = server, session_id
        self._mirror = LogMirror(self._fetch)

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
        """One row per result: joint angles, raw and smoothed, degrees, and how well each was seen."""
        return self.data().angles

    @property
    def angular_velocity(self) -> pd.DataFrame:
        """One row per result: how fast each joint angle changes, degrees per second."""
        return self.data().angular_velocity

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

    def export(
        self,
        out: str | Path,
        format: str = "csv",
        progress: Callable[[float, str], None] | None = None,
        **options: Any,
    ) -> list[Path]:
        """Write everything logged so far for other tools, with a `manifest.json` beside it.

        Parameters
        ----------
        out : str or Path
            Folder; made if need be.
        format : str, default "csv"
            One of `livedance_lab.export.FORMATS`.
        progress : callable, optional
            Told the share done, 0 to 1, and what is being written.
        **options
            Those the format takes, see `livedance_lab.export.ExportOptions`.

        Returns
        -------
        list of Path
            Every file written.

        Raises
        ------
        ExportError
            If the format or an option is unknown or the folder cannot be written.
        """
        return export(self.data(), format, out, progress=progress, **options)

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
        return parse_json(self.server.call("POST", f"/sessions/{self.id}/recording", body)[0])

    def stop_recording(self) -> dict[str, Any]:
        """Finish the recording; says where it is and how many rows it has."""
        return parse_json(self.server.call("DELETE", f"/sessions/{self.id}/recording")[0])

    def _fetch(self, table: str, after: int) -> tuple[bytes, int, int]:
        data, headers = self.server.call("GET", f"/sessions/{self.id}/log/{table}?after={after}", timeout_s=60.0)
        return data, int(headers["X-Next-Row"]), int(headers["X-Forgotten-Rows"])
