"""The browser modules' types, checked by TypeScript's compiler from their JSDoc comments."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import node

CONFIGURATION = Path(__file__).with_name("tsconfig.json")

pytestmark = pytest.mark.timeout(300)  # the first run downloads the compiler


def check(configuration: Path) -> subprocess.CompletedProcess[str]:
    command = [*node.typescript(), "-p", str(configuration)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_types_are_clean():
    done = check(CONFIGURATION)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_type_is_found(tmp_path):
    """The check above can fail."""
    (tmp_path / "wrong.js").write_text("/** @param {number} x */\nexport const f = (x) => x.length;\n")
    configuration = json.loads(CONFIGURATION.read_text())
    (tmp_path / "tsconfig.json").write_text(json.dumps({**configuration, "include": ["*.js"]}))
    done = check(tmp_path / "tsconfig.json")
    assert done.returncode
    assert "Property 'length' does not exist on type 'number'" in done.stdout
