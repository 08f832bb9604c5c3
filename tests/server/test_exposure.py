"""A server binds to loopback addresses unless the user explicitly asks for others."""

from __future__ import annotations

import asyncio
import urllib.request
from pathlib import Path

import pytest

from livedance_lab.errors import ServerError
from livedance_lab.launcher import LiveServer
from livedance_lab.server.access import check_exposure, is_valid_token, local_url
from livedance_lab.server.app import serving
from livedance_lab.server.config import ServerConfig
from tests.support.servers import TOKEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_no_permission(host):
    check_exposure(ServerConfig(host=host, token="short"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7"])
def test_other_machines_are_let_in_only_if_that_is_said_and_with_a_good_token(host):
    with pytest.raises(ServerError, match=r"other machines.*--public.*--certfile"):
        check_exposure(ServerConfig(host=host))
    with pytest.raises(ServerError, match="16 characters or more, got one of 5"):
        check_exposure(ServerConfig(host=host, public=True, token="short"))
    check_exposure(ServerConfig(host=host, public=True))


def test_no_server_is_without_a_token():
    with pytest.raises(ServerError, match="needs a token"):
        check_exposure(ServerConfig(token=""))


def test_a_public_server_is_refused_before_anything_is_bound_and_runs_when_it_is_meant():
    async def start(**config) -> int:
        async with serving(ServerConfig(port=0, token=TOKEN, estimator="replay", host="0.0.0.0", **config)) as (
            _,
            port,
        ):
            return await asyncio.to_thread(status, f"http://127.0.0.1:{port}/health")

    with pytest.raises(ServerError, match="--public"):
        asyncio.run(start())
    assert asyncio.run(start(public=True)) == 200


def status(url: str) -> int:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        return answer.status


def test_the_command_says_what_is_missing():
    with pytest.raises(ServerError, match=r"(?s)did not start \(exit code 1\).*can be reached from other machines"):
        LiveServer.start(reuse=False, port=0, estimator="replay", host="0.0.0.0")


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "::1"}, "http://[::1]:8000"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000"),
        ({"host": "::"}, "http://[::1]:8000"),
        ({"host": "lab.example.org", "certfile": Path("lab.pem")}, "https://lab.example.org:8000"),
    ],
)
def test_its_address_can_be_used_from_here(config, url):
    assert local_url(ServerConfig(**config), 8000) == url


@pytest.mark.parametrize("given", ["", "a", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ä", "\udcff"])
def test_only_the_token_is_the_token(given):
    config = ServerConfig(token=TOKEN)
    assert is_valid_token(TOKEN, config)
    assert not is_valid_token(given, config)
    assert TOKEN not in repr(config)


def test_tokens_are_compared_without_telling_how_much_was_right():
    """No module of the server compares the token in another way."""
    package = Path(check_exposure.__code__.co_filename).parent
    for module in package.glob("*.py"):
        source = module.read_text()
        assert "token ==" not in source, module.name
        assert "token !=" not in source, module.name
    assert "compare_digest" in (package / "access.py").read_text()
