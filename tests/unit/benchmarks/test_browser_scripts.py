"""The scripts that benchmarks run in a browser: every name that they import is exported by the widget's module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livedance_lab import benchmarks, widgets

SCRIPTS = sorted((Path(benchmarks.__file__).parent / "static").glob("*.js"))
WIDGET = Path(widgets.__file__).parent / "static"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_imported_names_are_exported(script):
    imports = re.findall(r'^import \{ (.+?) \} from "\./(.+?)";$', script.read_text(), re.MULTILINE)
    assert imports
    for names, module in imports:
        source = (WIDGET / module).read_text()
        for name in names.split(", "):
            assert re.search(rf"^export (?:async )?(?:function|class|const) {name}\b", source, re.MULTILINE), name
