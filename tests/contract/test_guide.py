"""README, guide and other pages: what they name exists (pages, commands, options, modules, attributes, settings)."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

import click
import pytest
import typer

from livedance_lab import LiveSession
from livedance_lab.cli import _COMMANDS, _GROUPS
from livedance_lab.settings import Settings, settings_markdown

ROOT = Path(__file__).resolve().parents[2]
GUIDE = sorted((ROOT / "notebooks" / "guide").glob("*.md"))
PAGES = [ROOT / "README.md", *GUIDE, *sorted((ROOT / ".github").glob("*.md")), ROOT / "data" / "README.md"]
LONGEST_README = 150

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_guide_page = pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.name)


def blocks(markdown: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", markdown, flags=re.MULTILINE | re.DOTALL)


def commands() -> dict[str, click.Command]:
    """Return every command of the command line by its full name, e.g. "models list"."""
    app = typer.Typer()
    for name in _COMMANDS:
        app.command(name)(getattr(importlib.import_module(f"livedance_lab.cli.{name}"), name))
    for name in _GROUPS:
        app.add_typer(getattr(importlib.import_module(f"livedance_lab.cli.{name}"), name), name=name)
    found: dict[str, click.Command] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {key}": value for key, value in inner.items()} if inner else {name: command}
    return found


COMMANDS = commands()
OPTIONS = {
    name: {text for option in command.params for text in (*option.opts, *option.secondary_opts)} | {"--help"}
    for name, command in COMMANDS.items()
}


def unknown_commands(markdown: str) -> list[str]:
    """Return the calls of ``livedance`` in blocks and inline code whose command or option does not exist."""
    lines = [line for block in blocks(markdown, "console") for line in block.splitlines()]
    calls = [text for text in lines + re.findall(r"`([^`\n]+)`", markdown) if re.match(r"(\S*/)?livedance ", text)]
    wrong = []
    for call in calls:
        words = call.replace("\\|", "|").split()[1:]
        names = [" ".join(words[:2]), words[0]] if words[0] in _GROUPS else words[:1]
        alternatives = [f"{words[0]} {last}" for last in words[1].split("|")] if len(words) > 1 else []
        known = next((name for name in names if name in COMMANDS), None)
        if known is None and words[0].startswith("--"):
            continue
        if known is None and not (words[0] in _GROUPS and all(name in COMMANDS for name in alternatives)):
            wrong.append(call)
        elif known is not None:
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            wrong += [f"{call}: {option}" for option in sorted(used - OPTIONS[known])]
    return wrong


def missing_names(source: str) -> list[str]:
    """Return the imports from this package, and the attributes of ``session``, that do not exist."""
    tree = compile(source, "page", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("livedance_lab"):
            module = importlib.import_module(node.module or "")
            wrong += [f"{node.module}.{name.name}" for name in node.names if not hasattr(module, name.name)]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "session":
            wrong += [] if hasattr(LiveSession, node.attr) or node.attr in ("id", "server") else [node.attr]
    return wrong


@every_page
def test_commands_and_options_exist(page):
    assert unknown_commands(page.read_text()) == []


@every_page
def test_options_named_alone_belong_to_a_command(page):
    known = set().union(*OPTIONS.values()) | {"--version"}
    own_commands = r"`[^`\n]*python3? [^`\n]*`|^```sh\n.*?^```"  # options of other programs
    text = re.sub(own_commands, "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = {word for code in re.findall(r"`(--[a-z][^`\n]*)`", text) for word in re.findall(r"--[a-z-]+", code)}
    assert named - known - ({"--dance", "--noise-sigma", "--motion-blur", "--truth-only", "--still-s"}
                            if page.parent.name == "data" else set()) == set()  # fmt: skip


@every_page
def test_python_examples_use_what_exists(page):
    assert [name for block in blocks(page.read_text(), "python") for name in missing_names(block)] == []


@every_guide_page
def test_a_guide_page_says_first_what_the_reader_can_do_after_it(page):
    title, empty, first = page.read_text().splitlines()[:3]
    assert re.match(r"# \w", title)
    assert empty == ""
    assert first.startswith("After reading this page you can ")


@every_guide_page
def test_the_readme_links_every_guide_page(page):
    readme = (ROOT / "README.md").read_text()
    title = page.read_text().splitlines()[0].removeprefix("# ")
    assert f"| [{title}](notebooks/guide/{page.name}) |" in readme


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST_README


def test_the_documented_settings_are_those_of_the_code():
    """Every row of the table that the package generates: default, range, who acts on it, meaning."""
    documented = (ROOT / "notebooks" / "guide" / "settings.md").read_text().splitlines()
    assert [row for row in settings_markdown().splitlines() if row not in documented] == []


def test_the_preset_of_the_guide_is_valid():
    (preset,) = blocks((ROOT / "notebooks" / "guide" / "settings.md").read_text(), "toml")
    assert Settings.parse(tomllib.loads(preset)) != Settings()


def test_each_table_of_measurements_stands_under_its_command():
    """The figures and the command that gives them are never apart."""
    text = (ROOT / "notebooks" / "guide" / "measuring-speed.md").read_text()
    sections = [section for section in text.split("\n## ")[1:] if "\n|" in section]
    assert len(sections) == 3
    assert all(section.index("```console\nlivedance ") < section.index("\n|") for section in sections)


@pytest.mark.parametrize(
    "text", ["`livedance bnech`", "`livedance bench --no-such-option`", "```console\nlivedance models lst\n```"]
)
def test_a_wrong_command_is_found(text):
    assert unknown_commands(text)


def test_a_wrong_name_in_an_example_is_found():
    code = "from livedance_lab.export import exprot\nawait session.play_backwards()"
    assert missing_names(code) == ["livedance_lab.export.exprot", "play_backwards"]
