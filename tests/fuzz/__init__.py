"""Fuzzing: what anybody may send, sent in a million wrong ways.

::

    python -m tests.fuzz --messages 1000000      a real server, many connections, one honest session beside them
    python -m tests.fuzz.guided codec            one parser, guided by coverage (needs the extra `fuzz`)

`targets` holds the parsers and what must hold for them; `corpus` what was found interesting or broken, replayed by
`tests/unit/test_fuzz_corpus.py`.
"""
