"""TLS: https and wss everywhere, and no connection without a trusted certificate."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livedance_lab.client import LiveClient, LiveSession
from livedance_lab.client.clip_source import EncodedClip
from livedance_lab.errors import ConnectionRefused, ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.launcher.live_server import find_servers
from livedance_lab.system.tls import client_context, pinned, server_context
from tests.support.certificates import Certificate, self_signed
from tests.support.pipeline import LANDMARKS, SIZE, WAIT_S


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def server(certificate, tmp_path_factory) -> Iterator[LiveServer]:
    """A server process that speaks TLS and registers where only these tests search."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEDANCE_RUNTIME", str(tmp_path_factory.mktemp("runtime")))
        with LiveServer.start(reuse=False, port=0, estimator="replay", certfile=certificate.certfile,
                              keyfile=certificate.keyfile) as started:  # fmt: skip
            yield started


def test_its_starter_and_later_finders_speak_https_and_wss_without_being_told_more(server):
    assert server.url.startswith("https://127.0.0.1:")
    (found,) = find_servers()
    assert found.url == server.url
    with LiveSession.open(found, session="s") as session:
        client = session.stream(EncodedClip([LANDMARKS] * 5, SIZE, 200.0, "landmarks"), end=True)
        assert client.ended["conserved"]
        assert client.ended["captured"] == 5
        assert len(session.frames) == 5  # over HTTP


def test_a_client_believes_the_certificates_it_was_told_to(server, certificate):
    async def welcome(**options) -> dict:
        async with LiveClient(server.url, server.token, **options) as client:
            return client.welcome

    for trust in (certificate.certfile, str(certificate.certfile), False, pinned(certificate.certfile)):
        assert asyncio.run(welcome(trust=trust))["type"] == "welcome"
        assert LiveServer(server.url, server.token, trust=trust).alive()


def test_a_client_believes_nobody_else(server, tmp_path):
    other = self_signed(tmp_path, "localhost", "127.0.0.1").certfile
    for trust in (True, other, pinned(other)):
        with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"):
            LiveServer(server.url, server.token, trust=trust).get("/health")
        with pytest.raises(ConnectionRefused, match="certificate verify failed") as refused:
            asyncio.run(LiveClient(server.url, server.token, trust=trust).__aenter__())
        assert refused.value.code == "unreachable"


def test_nothing_is_said_in_clear(server):
    port = int(server.url.rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    connection.request("GET", "/health")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    connection.close()
    with pytest.raises(ConnectionRefused):
        asyncio.run(LiveClient(server.url.replace("https", "http"), server.token).__aenter__())


def test_the_proxy_of_jupyter_is_not_asked_to_speak_tls(server, monkeypatch):
    monkeypatch.setenv("LIVEDANCE_PORT", server.url.rsplit(":", 1)[1])
    assert server.proxy_url == ""
    assert replace(server, url=server.url.replace("https", "http")).proxy_url == "livedance/"


def test_files_that_are_no_use_are_said_in_words(certificate, tmp_path):
    other = self_signed(tmp_path, "localhost")
    absent = tmp_path / "absent.pem"
    for certfile, keyfile in ((certificate.certfile, other.keyfile), (certificate.certfile, None), (absent, None)):
        with pytest.raises(ServerError, match=r"certificate .* cannot be used"):
            server_context(certfile, keyfile)
    with pytest.raises(ServerError, match="cannot be read from"):
        client_context("https://x", absent)
    for empty in (absent, certificate.keyfile):
        with pytest.raises(ServerError, match="certificate of the server cannot be read"):
            pinned(empty)
    with pytest.raises(ServerError, match=r"(?s)did not start.*cannot be used"):
        LiveServer.start(reuse=False, port=0, certfile=certificate.certfile, keyfile=other.keyfile)


def test_a_pin_is_one_certificate_and_not_those_after_it_in_the_file(certificate, tmp_path):
    """The others in the file are its authorities, whose other certificates belong to other servers."""
    other = self_signed(tmp_path, "localhost")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificate.certfile.read_bytes() + other.certfile.read_bytes())
    assert pinned(chain).cert_store_stats()["x509"] == 1
    assert pinned(chain).verify_mode is ssl.CERT_REQUIRED


def test_old_tls_is_not_spoken(certificate):
    assert server_context(certificate.certfile, certificate.keyfile).minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "ws://127.0.0.1:8000"])
def test_in_clear_no_certificate_matters(url):
    assert client_context(url, Path("absent.pem")) is None
