"""What every test shares: marks by cost, the JavaScript tests, and pictures of real people."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import costs, node

ROOT = Path(__file__).resolve().parents[1]
MEDIA = ROOT.parent / "shared" / "media"


def pytest_configure(config: pytest.Config) -> None:
    """Let every test find Node, and note from now on which test starts a process or loads MediaPipe."""
    node.add_to_path()
    config.pluginmanager.register(costs.Witness(), "costs")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a shell ignores it for what runs in the background, and so would all processes that tests interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by what it costs, as far as its folder and its fixtures tell."""
    for item in items:
        costs.mark(item, item.path.relative_to(ROOT))


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
    """Collect ``*.test.mjs``: Node's own test runner tests the widgets' JavaScript, pytest reports the outcome."""
    return NodeFile.from_parent(parent, path=file_path) if file_path.name.endswith(".test.mjs") else None


class NodeFile(pytest.File):
    """One file of JavaScript tests."""

    def collect(self) -> Iterator[pytest.Item]:
        yield NodeTest.from_parent(self, name="node --test")


class NodeTest(pytest.Item):
    """Runs its file under ``node --test``; fails with Node's own words."""

    def runtest(self) -> None:
        program = node.require("node")
        done = subprocess.run(
            [program, "--test", str(self.path)], capture_output=True, text=True, cwd=ROOT, check=False
        )
        if done.returncode:
            raise NodeFailure(done.stdout + done.stderr)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        return str(excinfo.value) if isinstance(excinfo.value, NodeFailure) else str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"node --test {self.path.name}"


class NodeFailure(Exception):
    """A JavaScript test failed."""
