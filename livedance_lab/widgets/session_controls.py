"""Rows of buttons for a session: load and save settings, mark a moment, export the log."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from livedance_lab.errors import LiveDanceError
from livedance_lab.export import FORMATS
from livedance_lab.settings import load_preset, save_preset
from livedance_lab.widgets.setting_controls import heading

if TYPE_CHECKING:
    from livedance_lab.client.session import LiveSession

__all__ = ["ExportBar", "MarkBar", "PresetBar"]


class _Bar(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets publishes no types
    """A heading, a row of controls, and words about what happened."""

    def __init__(self, title: str, controls: list[Any], *below: Any) -> None:
        self._words = ipywidgets.HTML()
        row = ipywidgets.Box(controls).add_class("ldl-row")
        super().__init__([heading(title), row, *below, self._words])
        self.add_class("ldl-group")

    @property
    def words(self) -> str:
        """What was said last."""
        return str(self._words.value)

    def say(self, words: str, *, bad: bool = False) -> None:
        """Say what happened."""
        self._words.value = f'<div class="{"ldl-bad" if bad else "ldl-quiet"}">{html.escape(words)}</div>'

    def attempt(self, work: Callable[[], str]) -> None:
        """Do something; say what came of it, or what was wrong."""
        try:
            self.say(work())
        except LiveDanceError as exc:
            self.say(str(exc), bad=True)


def _button(words: str, icon: str, tooltip: str, on_click: Callable[[], None]) -> Any:
    button = ipywidgets.Button(description=words, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    button.on_click(lambda _button: on_click())
    return button


class PresetBar(_Bar):
    """Settings from and to TOML files.

    Parameters
    ----------
    session : LiveSession
    folder : str or Path
        Made when the first preset is saved.
    """

    def __init__(self, session: LiveSession, folder: str | Path) -> None:
        self._session, self._folder = session, Path(folder)
        self.name = ipywidgets.Combobox(placeholder="name", ensure_option=False)
        self._list()
        load = _button("Load", "folder-open", "Put these settings in force.", lambda: self.attempt(self._load))
        save = _button("Save", "save", "Keep the settings in force.", lambda: self.attempt(self._save))
        super().__init__("Presets", [self.name, load, save])

    def _list(self) -> None:
        self.name.options = sorted(path.stem for path in self._folder.glob("*.toml"))

    def _path(self) -> Path:
        name = Path(self.name.value.strip() or "preset").name.removesuffix(".toml")
        return self._folder / f"{name}.toml"

    def _load(self) -> str:
        path = self._path()
        chosen = load_preset(path).model_dump(exclude={"angles"})  # those of a session that has begun are fixed
        self._session.set(by=f"preset {path.stem}"[:80], **chosen)
        return f"{path} is in force."

    def _save(self) -> str:
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_preset(self._session.settings, path)
        self._list()
        return f"Kept in {path}."


class MarkBar(_Bar):
    """Marks moments in the session's log."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self.name = ipywidgets.Text(placeholder="what happens now", continuous_update=False)
        mark = _button("Mark", "bookmark", "Put this moment into the event log.", lambda: self.attempt(self._mark))
        super().__init__("Mark this moment", [self.name, mark])
        self._count = 0

    def _mark(self) -> str:
        self._count += 1
        name = self.name.value.strip() or f"mark {self._count}"
        self._session.mark(name)
        return f"Marked: {name}."


class ExportBar(_Bar):
    """Writes the log for other tools, with a progress bar, while the session goes on.

    Parameters
    ----------
    session : LiveSession
    out : str or Path
        The folder unless another is typed in.
    """

    def __init__(self, session: LiveSession, out: str | Path) -> None:
        self._session = session
        self.folder = ipywidgets.Text(str(out), placeholder="folder", continuous_update=False)
        self.format = ipywidgets.Dropdown(options=list(FORMATS), tooltip="File format")
        self.button = _button("Export", "download", "Write everything logged so far.", self._begin)
        self.progress = ipywidgets.FloatProgress(min=0, max=1, layout={"width": "100%", "height": "6px"})
        self.progress.layout.visibility = "hidden"
        self.files: list[Path] = []
        super().__init__("Export", [self.folder, self.format, self.button], self.progress)

    def _begin(self) -> None:
        self.button.disabled = True
        self.progress.layout.visibility = "visible"
        self.thread = threading.Thread(target=self._work, name="livedance-export", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            self.attempt(self._export)
        finally:
            self.button.disabled = False
            self.progress.layout.visibility = "hidden"

    def _export(self) -> str:
        self.say("collecting the log")
        folder = self.folder.value.strip() or "out"
        self.files = self._session.export(folder, self.format.value, progress=self._tell)
        return f"{len(self.files)} files in {Path(folder).resolve()}."

    def _tell(self, share: float, what: str) -> None:
        self.progress.value = share
        self.say(what)
