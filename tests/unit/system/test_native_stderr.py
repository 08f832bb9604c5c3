"""Output of native libraries is redirected, Python's is not. Each case runs in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import faulthandler, logging, os, sys, threading
handler = logging.StreamHandler()
logging.getLogger("deep.inside").addHandler(handler)
faulthandler.enable()
from livedance_lab.system.native_stderr import silence_native_stderr

threads = [threading.Thread(target=silence_native_stderr, args=(VERBOSE,)) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
os.write(2, b"from C\\n")
print("from print", file=sys.stderr)
logging.getLogger("deep.inside").warning("from a handler")
logging.getLogger().warning("from the last resort")
faulthandler.dump_traceback(file=sys.stderr)
raise ValueError("from a traceback")
"""


@pytest.mark.parametrize("verbose", [False, True])
def test_only_c_is_silenced_and_only_when_asked(verbose):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("VERBOSE", str(verbose))], capture_output=True, text=True, check=False
    )
    for words in ("from print", "from a handler", "from the last resort", "Current thread", "ValueError: from a"):
        assert done.stderr.count(words) == 1, words
    assert done.stderr.count("from C") == verbose


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX abort")
def test_a_crash_is_still_heard():
    code = "import faulthandler, os; faulthandler.enable(); from livedance_lab.system import native_stderr; "
    code += "native_stderr.silence_native_stderr(); os.abort()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Fatal Python error: Aborted" in done.stderr


def test_a_captured_stderr_is_left_alone():
    """As in a notebook or under pytest, which replace `sys.stderr`."""
    code = "import io, os, sys; sys.stderr = io.StringIO(); from livedance_lab.system import native_stderr; "
    code += "native_stderr.silence_native_stderr(); os.write(2, b'from C')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "from C"
