import subprocess
from pathlib import Path

import pytest

from livedance_lab.widgets import _esm
from livedance_lab.widgets._esm import EsmError, join_modules

STATIC = Path(_esm.__file__).parent / "static"


def join(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return join_modules(folder, "entry.js")


def test_what_is_imported_comes_first_and_once(tmp_path):
    text = join(
        tmp_path,
        entry='import { b } from "./b.js";\nimport { a } from "./a.js";\nexport default { a, b };\n',
        b='import { a } from "./a.js";\nexport const b = a + 1;\n',
        a="export const a = 1;\n",
    )

    assert text.count("const a = 1;") == 1
    assert text.index("const a") < text.index("const b") < text.index("export default")
    assert "import" not in text


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"entry": 'import { a as b } from "./a.js";\nexport default {};\n', "a": "export const a = 1;\n"}, "line 1"),
        ({"entry": 'import { a } from "three";\nexport default {};\n'}, "plain names"),
        ({"entry": 'import { b } from "./a.js";\nexport default {};\n', "a": "export const a = 1;\n"}, "not export b"),
        ({"entry": 'import { a } from "./a.js";\nexport default {};\n', "a": "const a = 1;\n"}, "not export a"),
        (
            {"entry": 'import { a } from "./a.js";\nconst t = 2;\nexport default {};\n',
             "a": "const t = 1;\nexport const a = t;\n"},
            "t is declared in a.js already",
        ),
        ({"entry": "const x = 1;\n"}, "export default"),
        ({"entry": 'import { a } from "./a.js";\nexport default a;\n', "a": "export const a = 1;\nexport default a;\n"},
         "export default"),
        ({"entry": "const a = 1;\nexport { a };\nexport default a;\n"}, "line 2"),
        ({"entry": 'import { a } from "./a.js";\nexport default a;\n',
          "a": 'import { e } from "./entry.js";\nexport const a = 1;\n'}, "imports itself"),
    ],
    ids=["renamed", "package", "no such name", "not exported", "name twice", "no default", "two defaults",
         "export list", "circle"],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused_by_file_and_line(tmp_path, files, words):
    with pytest.raises(EsmError, match=words):
        join(tmp_path, **files)


def test_indented_names_do_not_count(tmp_path):
    """Only top-level names meet after joining."""
    text = join(
        tmp_path,
        entry='import { f } from "./f.js";\nfunction g() {\n  const inner = 1;\n  return inner + f();\n}\n'
        "export default g;\n",
        f="export function f() {\n  const inner = 2;\n  return inner;\n}\n",
    )
    assert text.count("const inner") == 2


def test_the_view_joins_into_a_module_that_loads(tmp_path):
    joined = tmp_path / "joined.mjs"
    joined.write_text(join_modules(STATIC, "pose_view.js"), encoding="utf-8")
    script = f"import({str(joined)!r}).then((m) => console.log(typeof m.default.render))"

    try:
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False)
    except OSError:  # not found, or in a folder of PATH that may not be read
        pytest.skip("needs Node.js (Debian: apt install nodejs)")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "function", "")
