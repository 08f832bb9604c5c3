"""LiteRT is pinned to a release whose libraries were looked at: they contain no network client."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.support.network_marks import network_marks

SYSTEM_CALLS = (b"\0connect\0", b"\0_connect\0", b"\0sendto\0", b"\0sendmsg\0", b"\0gethostbyname\0")
"""Names by which a library would import what opens a connection; imported names stand between zero bytes."""


def libraries() -> dict[str, bytes]:
    """LiteRT's shared libraries, by name."""
    litert = pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")
    files = [f for f in Path(litert.__file__).parent.rglob("*") if f.suffix in (".so", ".dylib", ".dll", ".pyd")]
    return {file.name: file.read_bytes() for file in files}


def marks(library: bytes) -> list[bytes]:
    return [*network_marks(library), *(name for name in SYSTEM_CALLS if name in library)]


def test_the_installed_version_is_one_that_was_looked_at():
    pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")
    assert metadata.version("ai-edge-litert").split(".")[:2] == ["2", "3"]


def test_the_pin_is_what_users_get(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    needed = [need for need in project["dependencies"] if need.startswith("ai-edge-litert")]
    assert [need.partition(";")[0] for need in needed] == ["ai-edge-litert>=2.3,<2.4"]


def test_no_library_has_a_network_client():
    found = libraries()
    assert sum(len(content) for content in found.values()) > 10_000_000, "where are LiteRT's libraries?"
    assert {name: marks(content) for name, content in found.items() if marks(content)} == {}


@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_a_network_client_would_be_found(name):
    assert marks(b"\0" * 5000 + name + b"\0" * 5000) == [name]


def test_loading_it_imports_no_network_module():
    """Its Python part brings no downloads: what it imports beside numpy is the standard library without sockets."""
    litert = pytest.importorskip("ai_edge_litert", reason="LiteRT has no wheel for this system")
    source = Path(litert.__file__).with_name("interpreter.py").read_text(encoding="utf-8")
    assert not [name for name in ("socket", "urllib", "requests", "http") if f"import {name}" in source]
