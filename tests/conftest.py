"""What every test shares: the browser code's own tests beside ours, and pictures of real people."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MEDIA = ROOT.parent / "shared" / "media"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(scope="session")
def media() -> Path:
    """Pictures of real people, kept beside the repository and never in it."""
    if not MEDIA.is_dir():
        pytest.skip("no folder of pictures of real people beside the repository")
    return MEDIA


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take in ``*.test.mjs``: the widgets' JavaScript is tested by Node's own runner, reported by pytest."""
    return NodeFile.from_parent(parent, path=file_path) if file_path.name.endswith(".test.mjs") else None


class NodeFile(pytest.File):
    """One file of JavaScript tests."""

    def collect(self) -> Iterator[pytest.Item]:
        yield NodeTest.from_parent(self, name="node --test")


class NodeTest(pytest.Item):
    """Runs its file under ``node --test``; fails with Node's own words."""

    def runtest(self) -> None:
        node = shutil.which("node")
        if node is None:
            if os.environ.get("CI"):
                raise NodeFailure("no `node` here: continuous integration must run the browser code's tests")
            pytest.skip("needs Node.js (Debian: apt install nodejs)")
        done = subprocess.run([node, "--test", str(self.path)], capture_output=True, text=True, cwd=ROOT, check=False)
        if done.returncode:
            raise NodeFailure(done.stdout + done.stderr)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        return str(excinfo.value) if isinstance(excinfo.value, NodeFailure) else str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"node --test {self.path.name}"


class NodeFailure(Exception):
    """A JavaScript test failed."""
