"""Who may import whom: modules import their own level or below, and each third-party package has an owner."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "livedance_lab"

LEVELS: dict[str, int] = {
    **dict.fromkeys(("_lazy", "_version", "errors", "clock", "skeletons"), 0),
    **dict.fromkeys(("pose", "settings", "system"), 1),
    **dict.fromkeys(("analysis", "wire", "media", "launcher"), 2),
    **dict.fromkeys(("session_data", "estimators", "samples"), 3),
    **dict.fromkeys(("pipeline", "plots", "export"), 4),
    **dict.fromkeys(("server", "client", "batch"), 5),
    **dict.fromkeys(("widgets",), 6),
    **dict.fromkeys(("benchmarks",), 7),
    **dict.fromkeys(("evaluation",), 8),
    **dict.fromkeys(("cli",), 9),
    "__main__": 10,
}
"""Level of each part: the path of one frame, read upwards."""

STRANGERS = {("server", "plots"), ("client", "plots"), ("server", "client"), ("client", "server")}
"""Parts that must not import each other, whatever their levels: displays work on data, wherever it came from."""

STANDALONE = {"bootstrap"}
"""Runs before anything is installed: the standard library only, and nothing of ours."""

EVERYWHERE = {"numpy"}

OWNERS: dict[str, tuple[str, ...]] = {
    "mediapipe": ("estimators.mediapipe_tasks", "estimators.model_store"),
    "flatbuffers": ("estimators.model_store",),
    "platformdirs": ("estimators.model_store", "launcher"),
    "filelock": ("estimators.model_store",),
    "cv2": ("media",),
    "pyarrow": ("session_data", "export"),
    "pandas": ("session_data", "export", "client.remote_log", "evaluation", "samples"),
    "scipy": ("analysis",),
    "orjson": ("wire", "session_data", "export"),
    "pydantic": ("settings", "wire"),
    "tornado": ("server",),
    "prometheus_client": ("server.metrics",),
    "websockets": ("client",),
    "pylsl": ("client.lsl",),
    "distributed": ("batch",),
    "playwright": ("benchmarks.browser", "benchmarks.encodings"),
    "psutil": ("system.resources", "cli.doctor_checks"),
    "matplotlib": ("plots",),
    "anywidget": ("widgets",),
    "ipywidgets": ("widgets",),
    "IPython": ("widgets",),
    "traitlets": ("widgets",),
    "ipywebrtc": ("widgets",),
    "typer": ("cli",),
    "rich": ("cli",),
}
"""The only modules (and everything below them) that may import each third-party package."""

DYNAMIC = {"import_module", "__import__"}

CLOCK_READERS = {
    "time": {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"},
    "datetime": {"now", "utcnow", "today"},
}
"""What reads a clock; only `livedance_lab.clock` may. Elsewhere time is an argument, so that tests can step."""


def modules() -> Iterator[tuple[str, str]]:
    """Name below the package ("wire.results") and source of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path.read_text()


def imports(module: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a module imports: inside functions, for typing, by `import_module` too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(["livedance_lab", *module.split(".")[: -node.level], *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in DYNAMIC:
            names = [a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield from ((node.lineno, name) for name in names)


def within(module: str, owners: tuple[str, ...]) -> bool:
    return any(module == owner or module.startswith(f"{owner}.") for owner in owners)


def own_import_problem(module: str, imported: str) -> str | None:
    """What is wrong with importing one of our own modules, if anything."""
    part, target = module.split(".")[0], imported.split(".")[1] if "." in imported else ""
    if target not in LEVELS:
        return f"imports {imported}, which has no level in LEVELS"
    if part in STANDALONE:
        return f"imports {imported}, but runs before anything is installed"
    if part not in LEVELS:
        return f"has no level: give {part!r} one in LEVELS"
    if LEVELS[target] > LEVELS[part]:
        return f"(level {LEVELS[part]}) imports {imported} (level {LEVELS[target]}): imports go down only"
    if (part, target) in STRANGERS:
        return f"imports {imported}: {part} and {target} must not know each other"
    return None


def import_problem(module: str, imported: str) -> str | None:
    """What is wrong with one import, if anything."""
    top = imported.split(".")[0]
    if top == "livedance_lab":
        return own_import_problem(module, imported)
    if top in sys.stdlib_module_names or (top in EVERYWHERE and module.split(".")[0] not in STANDALONE):
        return None
    if top not in OWNERS:
        return f"imports {top}, which nobody owns: use what is there, or give it an owner in OWNERS"
    if not within(module, OWNERS[top]):
        return f"imports {top}, which only {' and '.join(OWNERS[top])} may"
    return None


def clock_readings(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything that reads a clock."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, f"time.{a.name}") for a in node.names if a.name in CLOCK_READERS["time"])
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in CLOCK_READERS.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"


def problems(module: str, source: str) -> list[str]:
    """Every breach of one module, in words."""
    if not module:  # the package's front page names its lazy exports as strings
        return []
    found = [
        f"livedance_lab.{module}, line {line}: {problem}"
        for line, imported in imports(module, source)
        if (problem := import_problem(module, imported))
    ]
    if module != "clock":
        found += [
            f"livedance_lab.{module}, line {line}: reads {name}; take the time as an argument, or use clock.now_s"
            for line, name in clock_readings(source)
        ]
    return found


def test_imports_go_down_and_packages_have_one_owner():
    found = [problem for module, source in modules() for problem in problems(module, source)]
    assert not found, "\n" + "\n".join(found)


def test_every_part_has_a_level():
    parts = {module.split(".")[0] for module, _ in modules() if module}
    assert parts <= LEVELS.keys() | STANDALONE


def test_no_owner_is_listed_that_does_not_use_its_package():
    used = {(line.split(".")[0], module) for module, source in modules() for _, line in imports(module, source)}
    listed = {(package, owner) for package, owners in OWNERS.items() for owner in owners}
    idle = {(p, owner) for p, owner in listed if not any(q == p and within(m, (owner,)) for q, m in used)}
    assert not idle


def test_the_map_names_every_part(repository):
    """CONTRIBUTING.md shows where everything is, with its level."""
    rows = [line for line in (repository / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| ")]
    for part, level in LEVELS.items():
        if part != "__main__":
            assert any(row.startswith(f"| {level} |") and re.search(rf"`{part}/?`", row) for row in rows), part


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        ("wire.results", "from livedance_lab.server.app import make_app", "imports go down only"),
        ("wire.results", "def f():\n    from livedance_lab import widgets", "imports go down only"),
        ("analysis.angles", "from ..pipeline import lane", "imports go down only"),
        ("pose", "import livedance_lab.wire.results", "imports go down only"),
        ("server.app", "from livedance_lab.plots import live_figure", "must not know each other"),
        ("client.session", "import tornado.websocket", "only server may"),
        ("server.app", "from websockets.asyncio.client import connect", "only client may"),
        ("estimators.replay", "import mediapipe as mp", "only estimators.mediapipe_tasks"),
        ("pipeline.lane", "import cv2", "only media"),
        ("analysis.angles", "import pandas as pd", "only session_data"),
        ("analysis.angles", "from importlib import import_module\nimport_module('matplotlib')", "only plots"),
        ("pipeline.ledger", "import requests", "nobody owns"),
        ("bootstrap", "import numpy", "nobody owns"),
        ("bootstrap", "from livedance_lab import errors", "before anything is installed"),
        ("pipeline.lane", "import time\nt = time.perf_counter()", "take the time as an argument"),
        ("pipeline.lane", "from time import monotonic", "take the time as an argument"),
        (
            "session_data.recording.writer",
            "import datetime\nt = datetime.datetime.now()",
            "take the time as an argument",
        ),
    ],
)
def test_a_breach_is_found(module, source, words):
    """The rules above can fail: each of them, on the smallest breach of it."""
    assert [p for p in problems(module, source) if words in p]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("server.app", "import tornado.web\nfrom livedance_lab.pipeline import session"),
        ("wire.results", "from . import messages\nfrom livedance_lab._version import __version__"),
        ("clock", "import time\nt = time.perf_counter()"),
        ("server.app", "import time\ntime.sleep(1)"),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert problems(module, source) == []
