"""What several test modules need is in ``tests/support`` or a ``conftest.py``: no test module imports another one."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def imported(source: str) -> list[str]:
    """Names of the test modules that a module imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [f"{n.module}.{alias.name}" for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names]
    return [name for name in names if any(part.startswith("test_") for part in name.split(".")[1:-1])
            or name.rpartition(".")[2].startswith("test_")]  # fmt: skip


def test_no_test_module_imports_another():
    found = {str(path.relative_to(TESTS)): imported(path.read_text()) for path in TESTS.rglob("*.py")}
    assert not {path: names for path, names in found.items() if names}


def test_an_import_is_found():
    assert imported("from tests.unit.test_a import helper\nfrom tests.support.b import C") == [
        "tests.unit.test_a.helper"
    ]
    assert imported("def f():\n    from tests.unit import test_a") == ["tests.unit.test_a"]
