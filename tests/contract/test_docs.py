"""The texts: commands that exist, links that lead somewhere, nothing of one person's machine; sizes of modules."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from livedance_lab import __version__

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "livedance_lab"

TOP_LEVEL = {"notebooks", "livedance_lab", "tests", "data", "pyproject.toml"}
TOP_LEVEL_PAPERS = {"README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60

# Slashes and dots are in brackets so that this file does not match its own patterns.
PRIVATE = {
    "a path of one machine": re.compile(r"(?<![\w.])[/](?:root|work|home/\w+|Users/\w+|opt/\w+)[/]"),
    "a package registry's address": re.compile(
        r"(?:pypi|pythonhosted|npmjs|debian)[.](?:org|com)|(?:extra-)?index-url\s*[=:]|find-links\s*[=:]", re.IGNORECASE
    ),
}
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|<(?:img|a)\b[^>]*?(?:src|href)=\"([^\"]+)\"")


def tracked() -> list[Path]:
    """Files of the project: those that git tracks or would add, or all files of an unpacked archive."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.split("\0") if done.returncode == 0 else [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")]
    return [path for name in names if name and (path := ROOT / name).is_file() and ".venv" not in path.parts]


def text_of(path: Path) -> str:
    """Text of a file; empty for pictures, clips and tables."""
    raw = path.read_bytes()
    return "" if b"\0" in raw[:8000] else raw.decode("utf-8", errors="replace")


def private_words(text: str) -> list[str]:
    """Return what belongs to one machine in a text: line, kind and match."""
    return [
        f"line {number}: {kind}: {found.group()!r}"
        for number, line in enumerate(text.splitlines(), 1)
        for kind, pattern in PRIVATE.items()
        if (found := pattern.search(line))
    ]


def links(markdown: str) -> list[str]:
    """Return the files that a page links to or shows; code blocks are ignored."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    targets = [a or b for a, b in LINK.findall(prose)]
    return [t for t in targets if not re.match(r"[a-z]+:", t)]


def anchors(markdown: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def broken(page: Path, text: str) -> list[str]:
    """Return the links of a page whose file or heading does not exist."""
    wrong = []
    for target in links(text):
        file, _, anchor = target.partition("#")
        place = (page.parent / file) if file else page
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place.read_text())):
            wrong.append(target)
    return wrong


def too_long(source: str) -> list[str]:
    """Return what is longer than allowed in a module."""
    lines = len(source.splitlines())
    found = [f"{lines} lines, at most {LONGEST_MODULE}"] if lines > LONGEST_MODULE else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{node.name}, line {node.lineno}: {length} lines, at most {LONGEST_FUNCTION}")
    return found


@pytest.mark.parametrize("command", ["demo", "test"])
def test_the_readme_has_the_two_commands(command):
    blocks = re.findall(r"^```.*?^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert any(f"python3 -m livedance_lab.bootstrap {command}" in block for block in blocks)


@pytest.mark.parametrize("page", [p for p in tracked() if p.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not broken(page, text_of(page))


def test_contributing_names_only_files_that_exist():
    """Paths in it start at the top level or in the package."""
    named = set(re.findall(r"`([\w.]+(?:/[\w.]+)+\.\w+)`", (ROOT / "CONTRIBUTING.md").read_text()))
    assert len(named) > 20
    assert not {name for name in named if not (ROOT / name).is_file() and not (PACKAGE / name).is_file()}


def test_nothing_of_one_machine_is_written_down():
    found = [f"{path.relative_to(ROOT)}, {word}" for path in tracked() for word in private_words(text_of(path))]
    assert not found, "\n" + "\n".join(found)


def test_modules_and_functions_stay_readable():
    found = [
        f"{p.relative_to(ROOT)}: {what}" for p in sorted(PACKAGE.rglob("*.py")) for what in too_long(p.read_text())
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_top_level_is_the_agreed_one():
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    extra = {name for name in top if not name.startswith(".")} - TOP_LEVEL - TOP_LEVEL_PAPERS
    assert not extra


def test_the_changelog_and_the_citation_name_the_version():
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize(
    "text", ["see /ro" + "ot/venv/bin", "cd '/wo" + "rk/main'", "--index-" + "url=x", "https://py" + "pi.org/simple"]
)
def test_private_words_are_found(text):
    assert private_words(text)


@pytest.mark.parametrize("text", ["a/root/b", "http://127.0.0.1/work/x", "https://github.com/google-ai-edge/mediapipe"])
def test_public_words_are_not(text):
    assert not private_words(text)


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[good](page.md#a-heading) [bad](gone.md) [bad too](#nowhere) [web](https://x.org)")
    assert broken(page, page.read_text()) == ["gone.md", "#nowhere"]


def test_what_is_too_long_is_found():
    source = "def f():\n" + "    pass\n" * LONGEST_FUNCTION + "x = 1\n" * LONGEST_MODULE
    assert len(too_long(source)) == 2
