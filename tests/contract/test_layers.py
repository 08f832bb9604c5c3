"""Which module may import which: its own level or below, never in a circle; each third-party package has an owner."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "livedance_lab"

LEVELS: dict[str, int] = {
    **dict.fromkeys(("_version", "_lazy", "errors", "progress", "clock", "skeletons"), 0),
    **dict.fromkeys(("pose", "settings", "system"), 1),
    **dict.fromkeys(("analysis", "wire", "media", "launcher"), 2),
    **dict.fromkeys(("session_data", "estimators", "samples"), 3),
    **dict.fromkeys(("pipeline", "plots", "export"), 4),
    **dict.fromkeys(("server", "client", "batch"), 5),
    **dict.fromkeys(("widgets",), 6),
    **dict.fromkeys(("benchmarks",), 7),
    **dict.fromkeys(("evaluation",), 8),
    **dict.fromkeys(("cli",), 9),
    **dict.fromkeys(("__main__", "__init__"), 10),
}
"""Level of each part: the path of one frame, read upwards. `__init__` is the package's front page."""

STRANGERS = {("server", "plots"), ("client", "plots"), ("server", "client"), ("client", "server")}
"""Parts that must not import each other although their levels allow it: displays work on data of any origin."""

STANDALONE = {"bootstrap"}
"""Runs before anything is installed: imports the standard library only."""

EVERYWHERE = {"numpy"}

OWNERS: dict[str, tuple[str, ...]] = {
    "mediapipe": ("estimators.mediapipe_tasks", "estimators.model_store"),
    "ai_edge_litert": ("estimators.litert",),
    "flatbuffers": ("estimators.model_store",),
    "platformdirs": ("estimators.model_store", "launcher"),
    "filelock": ("estimators.model_store",),
    "cv2": ("media",),
    "pyarrow": ("session_data", "export"),
    "pandas": ("session_data", "export", "client.remote_tables", "evaluation", "samples"),
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
"""What reads a clock; only `livedance_lab.clock` may. Elsewhere time is an argument, so that tests can set it."""


def modules() -> Iterator[tuple[str, str]]:
    """Name below the package ("wire.results") and source of every module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__") or "__init__", path.read_text()


@cache
def nodes(source: str) -> list[ast.AST]:
    """Everything in a module; the tests below ask again and again."""
    return list(ast.walk(ast.parse(source)))


def imports(module: str, source: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a module imports: inside functions, for typing, by `import_module` too."""
    for node in nodes(source):
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


def module_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which of our modules each module imports: inside functions and for type checking, too."""
    graph: dict[str, set[str]] = {module: set() for module in sources}
    for module, source in sources.items():
        for _, imported in imports(module, source):
            name = imported.removeprefix("livedance_lab").removeprefix(".") if top(imported) == "livedance_lab" else ""
            while name and name not in graph:
                name = name.rpartition(".")[0]  # `from livedance_lab.pose import Frame` imports livedance_lab.pose
            graph[module] |= {name} - {"", module}
    return graph


def part_graph(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Which part imports which, made of the graph of modules."""
    parts: dict[str, set[str]] = {top(module): set() for module in graph}
    for module, imported in graph.items():
        parts[top(module)] |= {top(name) for name in imported} - {top(module)}
    return parts


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One closed path through a graph of imports, first and last the same; empty if there is none."""
    left = dict(graph)
    while free := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return []
    path = [min(left)]  # everything left leads to a circle
    while path[-1] not in path[:-1]:
        path.append(min(left[path[-1]] & left.keys()))
    return path[path.index(path[-1]) :]


def top(name: str) -> str:
    return name.split(".")[0]


def within(module: str, owners: tuple[str, ...]) -> bool:
    return any(module == owner or module.startswith(f"{owner}.") for owner in owners)


def own_import_problem(module: str, imported: str) -> str | None:
    """What is wrong with importing one of our own modules, if anything."""
    part, target = top(module), imported.split(".")[1] if "." in imported else ""
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
    package = top(imported)
    if package == "livedance_lab":
        return own_import_problem(module, imported)
    if package in sys.stdlib_module_names or (package in EVERYWHERE and top(module) not in STANDALONE):
        return None
    if package not in OWNERS:
        return f"imports {package}, which has no owner: use a package that is there, or give it an owner in OWNERS"
    if not within(module, OWNERS[package]):
        return f"imports {package}, which only {' and '.join(OWNERS[package])} may"
    return None


def clock_readings(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything that reads a clock."""
    for node in nodes(source):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, f"time.{a.name}") for a in node.names if a.name in CLOCK_READERS["time"])
        elif isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if node.attr in CLOCK_READERS.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}"


def problems(module: str, source: str) -> list[str]:
    """What one module does against the rules, as sentences."""
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


def test_modules_do_not_import_each_other_in_a_circle():
    assert circle(module_graph(dict(modules()))) == []


def test_parts_do_not_import_each_other_in_a_circle():
    assert circle(part_graph(module_graph(dict(modules())))) == []


def test_every_part_has_a_level():
    parts = {top(module) for module, _ in modules()}
    assert parts <= LEVELS.keys() | STANDALONE


def test_no_owner_is_listed_that_does_not_use_its_package():
    used = {(top(line), module) for module, source in modules() for _, line in imports(module, source)}
    listed = {(package, owner) for package, owners in OWNERS.items() for owner in owners}
    idle = {(p, owner) for p, owner in listed if not any(q == p and within(m, (owner,)) for q, m in used)}
    assert not idle


def test_the_map_names_every_part(repository):
    """CONTRIBUTING.md shows where everything is, with its level."""
    rows = [line for line in (repository / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| ")]
    for part, level in LEVELS.items():
        if not part.startswith("__"):
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
        ("pipeline.ledger", "import requests", "has no owner"),
        ("bootstrap", "import numpy", "has no owner"),
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
    """Each rule above can fail: shown on the smallest breach of it."""
    assert [p for p in problems(module, source) if words in p]


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        (
            {"wire.a": "from livedance_lab.wire import b", "wire.b": "from livedance_lab.wire.a import X"},
            "wire.a wire.b",
        ),
        ({"wire.a": "from . import b", "wire.b": "def f():\n    import livedance_lab.wire.a"}, "wire.a wire.b"),
        (
            {
                "wire.a": "from livedance_lab.wire.b import B",
                "wire.b": "from livedance_lab.wire.c import C",
                "wire.c": "if TYPE_CHECKING:\n    from livedance_lab.wire.a import A",
                "wire.d": "from livedance_lab.wire.a import A",
            },
            "wire.a wire.b wire.c",
        ),
        (
            {"media": "from livedance_lab.media.video import V", "media.video": "from livedance_lab.media import X"},
            "media media.video",
        ),
    ],
    ids=["two modules", "inside a function", "for type checking", "a package and its module"],
)
def test_a_circle_of_modules_is_found(sources, found):
    path = circle(module_graph(sources))
    assert path[0] == path[-1]
    assert sorted(path[1:]) == found.split()


def test_a_circle_of_parts_is_found():
    """Each module is in order; together the two parts cannot be understood apart."""
    graph = module_graph({
        "wire.a": "from livedance_lab.media.b import B", "media.b": "",
        "media.c": "from livedance_lab.wire.d import D", "wire.d": "",
    })  # fmt: skip
    assert circle(graph) == []
    assert sorted(circle(part_graph(graph))[1:]) == ["media", "wire"]


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
