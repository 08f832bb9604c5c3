"""Access control (origins, hosts, tokens), and the answers of the HTTP API."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from livedance_lab.server.access import is_allowed_host
from livedance_lab.server.config import ServerConfig
from livedance_lab.session_data.schema import TABLES
from livedance_lab.session_data.session_log import from_ipc
from tests.support.servers import Served, serve

CALLS = [
    ("GET", "/metrics"), ("GET", "/sessions"), ("POST", "/sessions"), ("GET", "/sessions/s"),
    ("GET", "/sessions/s/manifest"), ("PATCH", "/sessions/s/settings"), ("POST", "/sessions/s/marks"),
    ("GET", "/sessions/s/log/frames"), ("POST", "/sessions/s/end"), ("POST", "/sessions/s/recording"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "config", "allowed"),
    [
        ("http://localhost:8888", {}, True),
        ("http://127.0.0.1:8888", {}, True),
        ("http://[::1]:8888", {}, True),
        ("https://lab.example.org", {}, False),
        ("https://lab.example.org", {"origins": ("https://lab.example.org",)}, True),
        ("http://lab.example.org", {"origins": ("https://lab.example.org",)}, False),
        ("https://lab.example.org.evil.org", {"origins": ("https://lab.example.org",)}, False),
        ("http://localhost.evil.org", {}, False),
        ("null", {}, False),
        ("http://[::1", {}, False),
        ("https://anything.org", {"behind_proxy": True}, True),
    ],
)
def test_only_known_pages_may_open_a_socket(origin, config, allowed, caplog):
    async def work(served: Served) -> None:
        if allowed:
            async with served.socket(additional_headers={"Origin": origin}) as raw:
                await raw.hello()
            return
        with pytest.raises(InvalidStatus) as refused:
            async with served.socket(additional_headers={"Origin": origin}):
                pass
        assert refused.value.response.status_code == 403

    serve(work, **config)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_page_whose_name_was_rebound_to_this_machine_may_not_open_a_socket():
    """Its origin equals the host in the request, which tornado itself accepts as the same site."""

    async def work(served: Served) -> None:
        host, origin = {"Host": f"evil.org:{served.port}"}, {"Origin": f"http://evil.org:{served.port}"}
        for headers in ({**host, **origin}, {**host, **origin, "Sec-Fetch-Site": "same-origin"}, host):
            reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
            lines = [
                "GET /ws HTTP/1.1",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                *(f"{k}: {v}" for k, v in headers.items()),
                "",
                "",
            ]
            writer.write("\r\n".join(lines).encode())
            assert (await reader.readline()).split()[1] == b"403"
            writer.close()
            await writer.wait_closed()

    serve(work)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("127.0.0.1:8000", True), ("localhost", True), ("[::1]:8000", True), ("192.168.1.7:8000", True),
     ("lab-pc:8000", True), ("lab-pc.evil.org", False),
     ("evil.org", False), ("localhost.evil.org:8000", False), ("lab.example.org", True)],
)  # fmt: skip
def test_a_rebound_name_is_not_answered(host, allowed):
    async def work(served: Served) -> None:
        status, body, _ = await served.http("GET", "/sessions", Host=host)
        assert (status == 200) is allowed
        if not allowed:
            assert (status, body["code"]) == (403, "host")
            assert (await served.http("GET", "/health", Host=host))[0] == 403

    serve(work, origins=("https://lab.example.org",), hosts=("lab-pc",))


def test_with_tls_the_browser_has_checked_the_name(tmp_path):
    assert not is_allowed_host("lab.example.org", ServerConfig())
    assert is_allowed_host("lab-pc", ServerConfig(hosts=("Lab-PC",))), "names have no case"
    assert is_allowed_host("lab.example.org", ServerConfig(certfile=tmp_path / "lab.pem"))


def test_every_call_but_health_needs_the_token():
    async def work(served: Served) -> None:
        for method, path in CALLS:
            for wrong in ("", "Bearer ", "Bearer guess", "Basic YTpi"):
                status, body, _ = await served.http(method, path, Authorization=wrong)
                assert (status, body["code"]) == (401, "token"), (method, path, wrong)
        assert served.manager.sessions == {}
        status, body, headers = await served.http("GET", "/health", Authorization="")
        assert (status, body["status"]) == (200, "ok")
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers

    serve(work)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/sessions/none", None, 404, "session"),
        ("GET", "/sessions/none/log/frames", None, 404, "session"),
        ("GET", "/sessions/s/log/secrets", None, 400, "table"),
        ("GET", "/sessions/s/log/frames?after=-1", None, 400, "after"),
        ("GET", "/sessions/s/log/frames?after=x", None, 400, "after"),
        ("GET", "/sessions/s/log/frames?after=" + "9" * 40, None, 400, "after"),
        ("POST", "/sessions", {"session": "s"}, 409, "taken"),
        ("POST", "/sessions", {"session": "../x"}, 400, "message"),
        ("POST", "/sessions", {"settings": {"complexity": 9}}, 400, "settings"),
        ("POST", "/sessions", b"[1]", 400, "json"),
        ("POST", "/sessions", b"\xff", 400, "json"),
        ("PATCH", "/sessions/s/settings", {"changes": {"nonsense": 1}}, 400, "settings"),
        ("PATCH", "/sessions/s/settings", {}, 400, "message"),
        ("POST", "/sessions/s/follow", {"person": 2}, 400, "person"),
        ("POST", "/sessions/s/follow", {"person": "x"}, 400, "message"),
        ("POST", "/sessions/s/marks", {"name": ""}, 400, "message"),
        ("POST", "/sessions/s/marks", {"name": "x", "t_s": "soon"}, 400, "message"),
        ("POST", "/sessions/s/end", {"captured": -1}, 400, "message"),
        ("POST", "/sessions/s/end", {"captured": True}, 400, "message"),
        ("POST", "/sessions/s/end", {"captured": 10**9}, 400, "seq"),
        ("GET", "/", None, 404, "path"),
        ("GET", "/sessions/../../etc/passwd", None, 404, "path"),
        ("DELETE", "/sessions", None, 405, "http"),
    ],
)
def test_a_wrong_call_is_answered_in_words(method, path, body, status, code, caplog):
    async def work(served: Served) -> None:
        assert (await served.http("POST", "/sessions", {"session": "s"}))[0] == 200
        got, answer, _ = await served.http(method, path, body)
        assert (got, answer["code"]) == (status, code)
        assert answer["message"]
        assert (await served.http("GET", "/sessions/s"))[1]["ended"] is False

    serve(work)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_session_can_be_made_tuned_marked_and_ended_over_http():
    async def work(served: Served) -> None:
        _, made, _ = await served.http("POST", "/sessions", {"session": "s", "settings": {"hands": False}})
        assert (made["id"], made["settings"]["hands"], made["running"]) == ("s", False, False)
        _, changed, _ = await served.http("PATCH", "/sessions/s/settings", {"changes": {"complexity": 0}, "by": "me"})
        assert (changed["version"], changed["settings"]["complexity"]) == (2, 0)
        await served.http("POST", "/sessions/s/marks", {"name": "begin", "data": {"trial": 1}, "t_s": 12.5})
        async with served.producer(session="s") as raw:
            assert raw.welcome["settings"]["complexity"] == 0
            await raw.result()
            _, ended, _ = await served.http("POST", "/sessions/s/end", {})
            assert ended["ledger"]["conserved"]
            assert (await raw.hear("ended"))["ledger"]["captured"] == 1
        _, data, _ = await served.http("GET", "/sessions/s/log/events")
        events = from_ipc(data).to_pylist()
        mark = next(e for e in events if e["name"] == "begin")
        assert (mark["t_s"], json.loads(mark["data"])) == (12.5, {"trial": 1})
        assert next(json.loads(e["data"])["by"] for e in events if e["kind"] == "settings") == "me"

    serve(work)


def test_the_log_is_paged_by_row_and_outlives_the_session():
    async def work(served: Served) -> None:
        seqs, after = [], 0
        async with served.producer(session="s") as raw:
            for _ in range(5):
                for _ in range(30):
                    await raw.result()
                _, data, headers = await served.http("GET", f"/sessions/s/log/results?after={after}")
                assert int(headers["X-Forgotten-Rows"]) == 0
                after = int(headers["X-Next-Row"])
                seqs += from_ipc(data)["seq"].to_pylist()
            await raw.end()
        assert seqs == list(range(150))
        for table in TABLES:
            status, data, _ = await served.http("GET", f"/sessions/s/log/{table}")
            assert status == 200
            assert from_ipc(data).schema.metadata[b"session_id"] == b"s"
        assert len(from_ipc((await served.http("GET", "/sessions/s/log/frames"))[1])) == 150
        assert (await served.http("GET", "/sessions/s/manifest"))[1]["ledger"]["conserved"]

    serve(work)


def test_metrics_are_prometheus_text_that_agrees_with_the_ledger():
    async def work(served: Served) -> None:
        async with served.producer(session="s") as raw:
            for _ in range(3):
                await raw.result()
            await raw.frame(b"")
            await raw.hear("refused")
            _, data, headers = await served.http("GET", "/metrics")
            assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
            lines = data.decode().splitlines()
            values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
            assert values['livedance_frames_total{session="s",state="processed"}'] == "3.0"
            assert values['livedance_frames_total{session="s",state="rejected"}'] == "1.0"
            assert values['livedance_frames_captured_total{session="s"}'] == "4.0"
            assert float(values['livedance_frame_age_ms{quantile="0.5",session="s"}']) >= 0
            assert float(values["livedance_resident_memory_bytes"]) > 1e7
            kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
            assert set(kinds.values()) == {"counter", "gauge", "histogram"}
            for histogram in ("livedance_frame_age_seconds", "livedance_queue_wait_seconds"):
                assert values[f'{histogram}_bucket{{le="+Inf"}}'] == values[f"{histogram}_count"] == "3.0"
                assert float(values[f"{histogram}_sum"]) > 0
            assert values['livedance_stage_seconds_count{stage="pose"}'] == "3.0"
            inferences = values[
                'livedance_hand_inferences_total{session="s"}'
            ]  # each frame carries one hand, at a wrist
            assert values['livedance_hands_total{place="at_wrists",session="s"}'] == inferences
            assert values['livedance_hands_total{place="away",session="s"}'] == "0.0"

    serve(work)


def test_an_idle_server_has_metrics_too():
    async def work(served: Served) -> None:
        status, data, _ = await served.http("GET", "/metrics")
        assert status == 200
        assert b"livedance_up_seconds" in data
        assert (await served.http("GET", "/sessions"))[1] == []

    serve(work)


def test_a_server_that_records_refuses_what_it_cannot_record(tmp_path):
    """It says why, every time, and keeps no session."""
    (tmp_path / "full").write_text("a file where a folder should be")

    async def work(served: Served) -> None:
        for _ in range(2):
            status, answer, _ = await served.http("POST", "/sessions", {"session": "take"})
            assert status >= 400
            assert answer["code"] == "recording", answer
        assert served.manager.sessions == {}

    serve(work, record_dir=tmp_path / "full")


def test_a_library_that_does_not_fit_is_told_and_tried_again(monkeypatch, caplog):
    async def work(served: Served) -> None:
        def misfit(*_: object) -> None:
            raise TypeError("descriptors cannot be created directly")

        monkeypatch.setattr(served.manager, "estimator_factory", misfit)
        said = ""
        while "TypeError" not in said:
            status, answer, _ = await served.http("GET", "/health/ready")
            assert status == 503
            said = json.dumps(answer)

    serve(work)
    assert "descriptors" in caplog.text
