"""`livedance doctor --server`: checks of a server from outside, successful and failing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livedance_lab.cli.doctor_checks import server as doctor
from livedance_lab.cli.doctor_checks.check import Check
from livedance_lab.launcher import LiveServer
from tests.support.certificates import Certificate, self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module", params=["http", "https"])
def server(request, certificate, tmp_path_factory) -> Iterator[LiveServer]:
    tls = {"certfile": certificate.certfile, "keyfile": certificate.keyfile} if request.param == "https" else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", str(tmp_path_factory.mktemp("runtime")))
        with LiveServer.start(reuse=False, port=0, estimator="replay", **tls) as started:
            yield started


def found(*arguments, **options) -> dict[str, Check]:
    return {check.name: check for check in doctor.from_outside(*arguments, **options)}


def test_a_server_of_ones_own_is_found_with_all_that_is_needed(server):
    checks = found(server.url)
    assert {name: check.level for name, check in checks.items()} == {"server": "ok", "readiness": "ok", "token": "ok"}
    assert "accepted; 0 sessions, 0 running" in checks["token"].text


def test_a_server_of_somebody_else_needs_its_token_and_perhaps_its_certificate(server, certificate, monkeypatch):
    monkeypatch.setenv("LIVEDANCE_RUNTIME", "nowhere")
    trust = certificate.certfile
    assert found(server.url, server.token, trust)["token"].level == "ok"
    assert found(server.url, trust=trust)["token"].level == "info"
    wrong = found(server.url, "guess", trust)["token"]
    assert wrong.level == "fail"
    assert "token is missing or wrong" in wrong.text
    assert "Copy the token" in wrong.advice


def test_a_certificate_nobody_vouches_for_is_named(server, tmp_path, monkeypatch):
    monkeypatch.setenv("LIVEDANCE_RUNTIME", "nowhere")
    (check,) = doctor.from_outside(server.url, trust=tmp_path / "absent.pem") if "https" in server.url else (None,)
    assert check is None or "cannot be read" in check.text
    checks = found(server.url, server.token)
    if server.url.startswith("https"):
        assert checks["server"].level == "fail"
        assert "certificate is not trusted" in checks["server"].text
        assert "--trust" in checks["server"].advice
        assert len(checks) == 1
    else:
        assert checks["token"].level == "ok"


def test_another_version_is_told(server, monkeypatch):
    monkeypatch.setattr(doctor, "__version__", "99.0")
    check = doctor.answers(server.url, server.trust)
    assert check.level == "warn"
    assert "This machine has version 99.0" in check.advice
