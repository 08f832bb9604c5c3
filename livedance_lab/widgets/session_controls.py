"""Rows of buttons for a session: load and save presets, add marks, export the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from livedance_lab.errors import LiveDanceError
from livedance_lab.export import FORMATS
from livedance_lab.settings import load_preset, save_preset
from livedance_lab.widgets.markup import heading, message

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession

__all__ = ["ExportBar", "MarkBar", "PresetBar"]


class _Bar(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """A heading, a row of controls, and a message about the last action."""

    def __init__(self, title: str, controls: list[Any], *below: Any) -> None:
        self.message = ipywidgets.HTML()
        row = ipywidgets.Box(controls).add_class("ldl-row")
        super().__init__([heading(title), row, *below, self.message])
        self.add_class("ldl-group")

    def run(self, action: Callable[[], str]) -> None:
        """Perform an action and show its message, or the error."""
        try:
            self.message.value = message(action())
        except LiveDanceError as exc:
            self.message.value = message(str(exc), "error")


def _button(label: str, icon: str, tooltip: str, on_click: Callable[[], None]) -> Any:
    button = ipywidgets.Button(description=label, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    button.on_click(lambda _button: on_click())
    return button


class PresetBar(_Bar):
    """Loads settings from TOML files and saves them.

    Parameters
    ----------
    session : LiveSession
    folder : str or Path
        Created when the first preset is saved.
    """

    def __init__(self, session: LiveSession, folder: str | Path) -> None:
        self._session, self._folder = session, Path(folder)
        self.name = ipywidgets.Combobox(placeholder="name of the preset", ensure_option=False)
        self._list()
        self.load = _button("Load", "folder-open", "Apply this preset.", lambda: self.run(self._load))
        self.save = _button("Save", "save", "Save the current settings as a preset.", lambda: self.run(self._save))
        super().__init__("Presets", [self.name, self.load, self.save])

    def _list(self) -> None:
        self.name.options = sorted(path.stem for path in self._folder.glob("*.toml"))

    def _path(self) -> Path:
        name = Path(self.name.value.strip() or "preset").name.removesuffix(".toml")
        return self._folder / f"{name}.toml"

    def _load(self) -> str:
        path = self._path()
        chosen = load_preset(path).model_dump(exclude={"angles"})  # fixed since the session began
        self._session.set(by=f"preset {path.stem}"[:80], **chosen)
        return f"Applied {path}."

    def _save(self) -> str:
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_preset(self._session.settings, path)
        self._list()
        return f"Saved {path}."


class MarkBar(_Bar):
    """Adds marks to the session's event log."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self.name = ipywidgets.Text(placeholder="name of the mark", continuous_update=False)
        self.mark = _button("Mark", "bookmark", "Add a mark to the event log now.", lambda: self.run(self._mark))
        super().__init__("Marks", [self.name, self.mark])
        self._count = 0

    def _mark(self) -> str:
        self._count += 1
        name = self.name.value.strip() or f"mark {self._count}"
        self._session.mark(name)
        return f"Added the mark {name}."


class ExportBar(_Bar):
    """Exports the log in the formats of other tools, in a background thread, with a progress bar.

    Parameters
    ----------
    session : LiveSession
    out : str or Path
        Initial value of the folder.
    """

    def __init__(self, session: LiveSession, out: str | Path) -> None:
        self._session = session
        self.folder = ipywidgets.Text(str(out), placeholder="folder", continuous_update=False)
        self.format = ipywidgets.Dropdown(options=list(FORMATS), tooltip="File format")
        self.start = _button("Export", "download", "Export everything that was logged so far.", self._start)
        self.progress = ipywidgets.FloatProgress(min=0, max=1, layout={"width": "100%", "height": "6px"})
        self.progress.layout.visibility = "hidden"
        self.files: list[Path] = []
        super().__init__("Export", [self.folder, self.format, self.start], self.progress)

    def _start(self) -> None:
        self.start.disabled = True
        self.progress.layout.visibility = "visible"
        self.message.value = message("Reading the log.")
        self.thread = threading.Thread(target=self._work, name="livedance-export", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            self.run(self._export)
        finally:
            self.start.disabled = False
            self.progress.layout.visibility = "hidden"

    def _export(self) -> str:
        folder = self.folder.value.strip() or "out"
        self.files = self._session.export(folder, self.format.value, progress=self._show_progress)
        return f"Wrote {len(self.files)} files to {Path(folder).resolve()}."

    def _show_progress(self, share: float, step: str) -> None:
        self.progress.value = share
        self.message.value = message(step)
