"""Dependencies: every declared package is pinned to a version that the tests pass with."""

from __future__ import annotations

import re
import tomllib

import pytest

PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+(\s*;.+)?")


def normal(name: str) -> str:
    """A distribution's name as packaging compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    """Name and version of each line of a constraints file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {normal(name): version for name, _, version in (line.partition("==") for line in lines)}


@pytest.fixture(scope="module")
def constraints(repository) -> str:
    return (repository / "tests" / "constraints.txt").read_text()


def test_each_line_is_a_pin_and_nothing_else(constraints):
    """No option, path or address: only names and versions."""
    lines = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_every_declared_package_is_pinned(constraints, repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {normal(re.split(r"[\s\[<>=!~;]", need, maxsplit=1)[0]) for group in groups for need in group}
    brought_along = {"livedance-lab", "pip"}  # every environment has a pip already
    missing = declared - pins(constraints).keys() - brought_along
    assert not missing


def test_the_two_builds_of_opencv_are_not_both_pinned(constraints):
    """Without display libraries the set-up installs the headless build of the same version: one pin serves both."""
    assert len([name for name in pins(constraints) if name.startswith("opencv")]) == 1


def test_every_python_that_is_tested_is_declared(repository):
    """The fast tests run on each of them, and a package index shows them."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = {c.rpartition(" :: ")[2] for c in project["classifiers"] if re.search(r"Python :: 3\.\d+$", c)}
    tested = re.search(r"python: \[(.+)\]", (repository / ".github" / "workflows" / "ci.yml").read_text())
    assert tested
    assert declared == set(re.findall(r"[\d.]+", tested.group(1)))
    assert project["requires-python"] == f">={min(declared, key=lambda v: int(v.split('.')[1]))}"
