"""Lines of code of a folder: without blank lines, comments and docstrings."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

SUFFIXES = {".py", ".js", ".css", ".html"}

_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def count(path: Path) -> int:
    """Lines of code of one file, or of all Python, JavaScript, CSS and HTML files below a folder."""
    if path.is_dir():
        return sum(count(file) for file in path.rglob("*") if file.suffix in SUFFIXES)
    return python_lines(path.read_text()) if path.suffix == ".py" else browser_lines(path.read_text())


def python_lines(source: str) -> int:
    """Lines that hold a token of code; a string that stands alone as a statement is a docstring and does not count."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def browser_lines(source: str) -> int:
    """Lines of JavaScript, CSS or HTML that are neither blank nor a comment of their own."""
    rest = re.sub(r"/\*.*?\*/|<!--.*?-->", "", source, flags=re.DOTALL)
    return sum(1 for line in rest.splitlines() if line.strip() and not line.strip().startswith("//"))
