"""What fuzzing found, and what it begins with: each is taken or refused in words, now and ever after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"
CASES = [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name} {path.name}" for name, path in CASES])
def test_a_case_of_the_corpus_is_taken_or_refused_in_words(name, path):
    TARGETS[name](path.read_bytes())


def test_the_corpus_stays_small_and_every_part_of_it_has_a_target():
    assert {folder.name for folder in CORPUS.iterdir()} == {*TARGETS, "http"}
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 100_000
