"""Every HTTP request is answered without an internal error and writes nothing outside the record root."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedance_lab.server.http_api import ROUTES
from tests.fuzz import mutations
from tests.fuzz.http_target import ask, failed
from tests.fuzz.properties import jsons, repeatable
from tests.support.servers import TOKEN, Served, serve

CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus" / "http"
METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS")
ESCAPES = [
    "..", "../x", "../../etc/passwd", "take/../../x", "/etc/x", "//etc/x", "~", "~root/x", "~nobodyhere/x", "", ".",
    "./", "take/..", "a\0b", "\0", "link/x", "link", "link/../x", "x" * 5000, "x/" * 2000, "x/" * 40,
]  # fmt: skip


def surprises(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def told(served: Served, data: bytes) -> bytes:
    answer = await asyncio.to_thread(ask, served.port, data)
    assert not failed(answer), (data[:300], answer[:500])
    return answer


def test_what_fuzzing_found_is_answered(caplog, tmp_path):
    async def work(served: Served) -> None:
        served.manager.create("s", {})
        for path in sorted(CORPUS.iterdir()):
            await told(served, path.read_bytes())
        assert served.manager.get("s").recorder is None

    serve(work, record_root=tmp_path)
    assert surprises(caplog) == []
    assert list(tmp_path.iterdir()) == []


def test_every_path_answers_every_method_in_words(caplog):
    async def work(served: Served) -> None:
        served.manager.create("s", {})
        paths = {path.replace("ID", "s") for _, path, _ in mutations.CALLS} | {"/health/live", "/health/ready"}
        for pattern, *_ in ROUTES:
            assert any(re.fullmatch(pattern, path.partition("?")[0]) for path in paths), pattern
        for path in sorted(paths):
            for method in METHODS:
                status, body, _ = await served.http(method, path, {} if method in ("POST", "PATCH", "PUT") else None)
                assert status in (200, 400, 405, 409, 503), (method, path, status)
                if status != 200 and method != "HEAD":
                    assert {"code", "message"} <= body.keys() or path == "/health/ready", (method, path, body)

    serve(work)
    assert surprises(caplog) == []


@pytest.mark.parametrize("wanted", ESCAPES)
def test_a_recording_goes_nowhere_but_below_its_root(wanted, tmp_path, caplog):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    os.symlink(outside, root / "link")

    async def work(served: Served) -> None:
        served.manager.create("s", {})
        status, body, _ = await served.http("POST", "/sessions/s/recording", {"path": wanted})
        assert status == 400, (wanted, body)
        assert 10 < len(body["message"]) < 600
        assert served.manager.get("s").recorder is None

    serve(work, record_root=root)
    assert sorted(tmp_path.rglob("*")) == [outside, root, root / "link"]
    assert surprises(caplog) == []


@pytest.mark.parametrize("path", ["..%2f..%2fetc", "%2e%2e", ".", "..", "s%00", "s%2f..%2fs", "S\\..", "a" * 65, "%ff",
                                  "s%0d%0aX-Injected:%20y", "../../etc/passwd", "-s", "s;x", "s%20"])  # fmt: skip
def test_a_session_name_is_a_name_and_no_path(path):
    async def work(served: Served) -> None:
        served.manager.create("s", {})
        for end in ("", "/manifest", "/log/frames", "/recording"):
            status, body, headers = await served.http("GET", f"/sessions/{path}{end}")
            assert status in (400, 404), (path, end, body)
            assert "X-Injected" not in headers

    serve(work)


@pytest.mark.parametrize(
    ("name", "head", "body"),
    [
        ("very many headers", ["X: y"] * 20_000, b""),
        ("a very long header", ["X: " + "y" * 200_000], b""),
        ("a very long path", None, b""),
        ("more body than allowed", ["Content-Length: 3000000"], b"x" * 3_000_000),
        ("more body than allowed, in pieces", ["Transfer-Encoding: chunked"], b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"),
        ("a length that is none", ["Content-Length: x"], b"{}"),
        ("two lengths", ["Content-Length: 2", "Content-Length: 3"], b"{}"),
        ("length and pieces", ["Content-Length: 2", "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n"),
        ("half a body", ["Content-Length: 100"], b"{"),
        ("a header that is none", [" : "], b""),
        ("zero bytes", ["X: \0"], b""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_is_none_costs_nobody_else_anything(name, head, body, caplog):
    async def work(served: Served) -> None:
        path = "/sessions" if head is not None else "/" + "x" * 200_000
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}", *(head or [])]
        answer = await told(served, "\r\n".join([*lines, "", ""]).encode() + body)
        assert not answer.startswith(b"HTTP/1.1 200"), answer
        assert served.manager.sessions == {}
        async with served.producer() as raw:
            await raw.result()

    serve(work)
    assert surprises(caplog) == []


def test_any_request_is_answered_or_closed(caplog, tmp_path):
    """Requests as in the fuzzing campaign, the same in every run; recordings among them are allowed."""
    rng = random.Random(7)

    async def work(served: Served) -> None:
        for n in range(300):
            if n % 50 == 0:
                served.manager.create(f"s{n}", {})
            await told(served, mutations.http_request(rng, f"s{n - n % 50}", TOKEN))
        for hosted in list(served.manager.sessions.values()):
            await asyncio.to_thread(hosted.session.abandon)
            assert hosted.session.ledger.summary()["conserved"], hosted.session.id

    serve(work, record_root=tmp_path / "root")
    assert surprises(caplog) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"root"}


def test_any_json_is_answered(caplog, tmp_path):
    calls = [(method, path) for method, path, body in mutations.CALLS if body is not None]

    async def work(served: Served) -> None:
        served.manager.create("s", {})

        @repeatable
        @given(st.sampled_from(calls), jsons, st.sampled_from(["changes", "name", "data", "path", "captured", "t_s"]))
        def holds(call, value, field):
            method, path = call
            for said in (value, {field: value}):
                status, body, _ = served._http(method, path.replace("ID", "s"), json.dumps(said).encode(), {})
                assert status in (200, 400, 409, 503), (call, said, body)

        await asyncio.to_thread(holds)

    serve(work, record_root=tmp_path)
    assert surprises(caplog) == []
