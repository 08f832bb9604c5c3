"""The command that runs the server, and the configuration it makes."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

import livedance_lab.cli.serve as serving
from livedance_lab.cli.serve import serve
from livedance_lab.estimators import model_store, speed
from livedance_lab.server.config import ServerConfig
from livedance_lab.settings import Settings


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(serve)
    return CliRunner().invoke(app, arguments)


def test_the_command_has_the_defaults_of_the_configuration():
    options = {name: parameter.default for name, parameter in inspect.signature(serve).parameters.items()}
    defaults = {field.name: field.default for field in fields(ServerConfig) if field.default is not MISSING}
    both = options.keys() & defaults.keys()
    assert len(both) >= 12
    assert {name: options[name] for name in both} == {name: defaults[name] for name in both}
    assert options["max_mbytes_per_s"] * 1e6 == ServerConfig.max_bytes_per_s


@pytest.mark.parametrize(("choose", "complexity", "said"), [(True, 0, "pose lite, as slow"), (False, 2, "pose heavy")])
def test_the_pose_model_is_measured_only_on_request_and_the_banner_says_why(monkeypatch, choose, complexity, said):
    fetched: list[tuple[object, ...]] = []
    monkeypatch.setattr(speed, "suitable_complexity", lambda _progress: (0, "lite, as slow"))
    monkeypatch.setattr(model_store, "ensure", lambda *args, **_: fetched.append(args[:2]))
    config = ServerConfig(settings=Settings(complexity=2))
    serving._fetch_models(config, choose)
    assert config.settings.complexity == complexity
    assert fetched == [("pose", complexity), ("hands",)]
    assert said in serving._banner(config, "", show_token=False)


@pytest.mark.parametrize(("option", "complexity", "choose"), [("2", 2, False), ("auto", 1, True)])
def test_the_pose_model_is_an_option(monkeypatch, option, complexity, choose):
    prepared: list[tuple[object, ...]] = []
    monkeypatch.setattr(serving, "_prepare", lambda config, choose, *_: prepared.append((config, choose)))
    monkeypatch.setattr(serving, "_run", lambda *_: None)
    assert invoke("--complexity", option).exit_code == 0
    ((config, chosen),) = prepared
    assert (config.settings.complexity, chosen) == (complexity, choose)


def test_auto_is_refused_for_estimators_without_such_models():
    done = invoke("--complexity", "auto", "--estimator", "replay")
    assert done.exit_code == 2
    assert "auto measures" in done.output


def test_zeros_become_what_this_machine_can_do():
    config = ServerConfig(workers=3)
    assert (config.workers, config.max_sessions) == (3, 6)
    assert ServerConfig().workers >= 1
    assert config.max_pixels > 1e6
    assert ServerConfig(max_sessions=1, max_pixels=10).max_sessions == 1
