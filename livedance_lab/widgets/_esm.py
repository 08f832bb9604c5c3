"""Joins the browser's modules into one module that an anywidget can load.

An anywidget's `_esm` is loaded from a blob, where `import "./x.js"` does not work (anywidget#399). The modules remain
separate files, which Node can run and TypeScript can check. Joining removes the imports between them and the
keyword ``export``, which is correct only if they follow these rules, which the joiner checks:

- an import is one line of plain names from ``"./file.js"``, and that file exports each name;
- a top-level name is declared in one file only;
- only the entry has an ``export default``.
"""

from __future__ import annotations

import re
from pathlib import Path

from livedance_lab.errors import LiveDanceError

__all__ = ["EsmError", "join_modules"]

_IMPORT = re.compile(r'^import \{ ([\w$, ]+) \} from "\./([\w-]+\.js)";$')
_DECLARED = re.compile(r"^(?P<export>export )?(?:async )?(?:function\*?|class|const|let|var) (?P<name>[\w$]+)")


class EsmError(LiveDanceError):
    """A browser module breaks the joiner's rules."""


def join_modules(folder: Path, entry: str) -> str:
    """Join a module with all modules it imports.

    Parameters
    ----------
    folder : Path
        Folder of the modules.
    entry : str
        The file with the ``export default``.

    Returns
    -------
    str
        Each needed module once; a module comes after those it imports.

    Raises
    ------
    EsmError
        Names the file and line that break a rule.
    """
    joined: dict[str, str] = {}
    owner: dict[str, str] = {}
    _add(folder, entry, joined, owner, ())
    defaults = [name for name, text in joined.items() if re.search(r"^export default ", text, re.M)]
    if defaults != [entry]:
        raise EsmError(f"exactly {entry} must have an export default, found one in {defaults}.")
    return "\n".join(f"// ---- {name}\n{text}" for name, text in joined.items())


def _add(folder: Path, name: str, joined: dict[str, str], owner: dict[str, str], above: tuple[str, ...]) -> set[str]:
    """Add a module after those it imports; return the names it exports."""
    if name in above:
        raise EsmError(f"{name} imports itself through {' > '.join(above[above.index(name) :])}.")
    lines, exported = [], set()
    for number, line in enumerate((folder / name).read_text(encoding="utf-8").splitlines(), 1):
        place = f"{name}, line {number}"
        if line.startswith("import "):
            _follow_import(folder, line, place, joined, owner, (*above, name))
            continue
        if line.startswith(("export {", "export *", "export default function", "export default class")):
            raise EsmError(f'{place}: only "export" before a declaration and "export default value" can be joined.')
        if declared := _DECLARED.match(line):
            if owner.setdefault(declared["name"], name) != name:
                raise EsmError(f"{place}: {declared['name']} is declared in {owner[declared['name']]} already.")
            if declared["export"]:
                exported.add(declared["name"])
                line = line.removeprefix("export ")
        lines.append(line)
    joined.setdefault(name, "\n".join(lines) + "\n")
    return exported


def _follow_import(
    folder: Path, line: str, place: str, joined: dict[str, str], owner: dict[str, str], above: tuple[str, ...]
) -> None:
    found = _IMPORT.match(line)
    if found is None:
        raise EsmError(f'{place}: imports are one line, plain names, from "./file.js"; got {line!r}.')
    imported = {name.strip() for name in found[1].split(",")}
    exported = _add(folder, found[2], joined, owner, above)
    if missing := sorted(imported - exported):
        raise EsmError(f"{place}: {found[2]} does not export {', '.join(missing)}.")
