"""Fuzzing: malformed messages, sent to a server or given to one parser.

::

    python -m tests.fuzz --messages 1000000      a real server, many connections, one honest session beside them
    python -m tests.fuzz.guided codec            one parser, guided by coverage (needs the extra `fuzz`)

`targets` holds the parsers and their invariants; `corpus` holds inputs that once failed or reach rare code, which
`tests/unit/test_fuzz_corpus.py` replays.
"""
