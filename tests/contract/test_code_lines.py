"""The package does not grow unnoticed: its lines of code have a ceiling."""

from __future__ import annotations

import pytest

from tests.support.code_lines import browser_lines, count, python_lines

CEILING = 20_290
"""A change that needs more lines first removes some, or raises this number and says why in its commit message."""


def test_the_package_is_no_larger_than_its_ceiling(repository):
    assert count(repository / "livedance_lab") <= CEILING


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        (0, '"""Docstring\nof two lines."""\n\n# a comment\n'),
        (1, "x = 1  # a comment behind code\n\n"),
        (2, 'class A:\n    x = 1\n    """What it is."""\n'),
        (3, 'x = """\ntext that is a value\n"""\n'),
        (4, "f(\n    1,\n    2,\n)\n"),
    ],
)
def test_python_is_counted_without_blank_lines_comments_and_docstrings(lines, source):
    assert python_lines(source) == lines


@pytest.mark.parametrize(
    ("lines", "source"),
    [
        (0, "// a comment\n\n/** JSDoc\n * of three\n * lines */\n"),
        (2, "const a = 1; // behind code\n/* before */ const b = 2;\n"),
        (3, ".a {\n  color: red; /* why */\n}\n"),
        (1, "<!-- a\ncomment -->\n<p>text</p>\n"),
    ],
)
def test_browser_files_are_counted_without_blank_lines_and_comments(lines, source):
    assert browser_lines(source) == lines


def test_every_kind_of_file_counts(tmp_path):
    """Moving code into another kind of file, or another folder, makes it no smaller."""
    for name in ("a.py", "b/c.py", "d.js", "e.css", "f.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "g.txt").write_text("x = 1\n")
    assert count(tmp_path) == 5
