"""The tables of a session whose log is on a server, as a notebook uses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from livedance_lab.client.remote_log import RemoteLog
from livedance_lab.export import export

if TYPE_CHECKING:
    import pandas as pd

    from livedance_lab.progress import Progress
    from livedance_lab.session_data.data import SessionData
    from livedance_lab.session_data.ledger_counts import LedgerCounts

__all__ = ["RemoteTables"]


class RemoteTables:
    """Everything that was logged so far, as tables and files. The subclass sets `_log`."""

    _log: RemoteLog

    def data(self) -> SessionData:
        """Everything logged so far, as tables."""
        return self._log.data()

    @property
    def manifest(self) -> dict[str, Any]:
        """What produced the data: versions, models, settings, clock."""
        return self._log.manifest

    @property
    def frames(self) -> pd.DataFrame:
        """The ledger, one row per captured frame, see `SessionData.frames`."""
        return self.data().frames

    @property
    def angles(self) -> pd.DataFrame:
        """Joint angles, one row per result, see `SessionData.angles`."""
        return self.data().angles

    @property
    def angular_velocity(self) -> pd.DataFrame:
        """How fast each joint angle changes, one row per result, see `SessionData.angular_velocity`."""
        return self.data().angular_velocity

    @property
    def landmarks(self) -> pd.DataFrame:
        """Landmarks, one row per result and landmark, see `SessionData.landmarks`."""
        return self.data().landmarks

    @property
    def events(self) -> pd.DataFrame:
        """Settings changes, clock estimates, markers, connections, see `SessionData.events`."""
        return self.data().events

    @property
    def ledger(self) -> LedgerCounts:
        """How many frames ended in which state."""
        return self.data().ledger

    def export(
        self, out: str | Path, format: str = "csv", progress: Progress | None = None, **options: Any
    ) -> list[Path]:
        """Write everything logged so far for other tools, see `livedance_lab.export.export`."""
        return export(self.data(), format, out, progress=progress, **options)
