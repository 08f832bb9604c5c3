"""One parser fuzzed by coverage: ``python -m tests.fuzz.guided picture -runs=100000`` (libFuzzer's own options follow).

libFuzzer writes an input that crashes to the current folder; reduce it and put it into ``tests/fuzz/corpus/TARGET``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")
INSTRUMENTED = ["livedance_lab.wire", "livedance_lab.media.images", "livedance_lab.settings",
                "livedance_lab.estimators", "livedance_lab.pipeline", "livedance_lab.server"]  # fmt: skip


def main() -> None:
    """Fuzz one target until it is interrupted."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.http_target import http
        from tests.fuzz.targets import TARGETS

    targets = {**TARGETS, "http": http}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("target", choices=targets)
    options, for_libfuzzer = parser.parse_known_args()
    seeds = CORPUS / options.target
    found = tempfile.mkdtemp(prefix=f"fuzz-{options.target}-")  # libFuzzer adds inputs there, not to the seeds
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    atheris.Setup([sys.argv[0], found, str(seeds), *for_libfuzzer], targets[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
