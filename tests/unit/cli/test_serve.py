"""The command that runs the server, and the configuration it makes."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

from livedance_lab.cli.serve import serve
from livedance_lab.server.config import ServerConfig


def test_the_command_has_the_defaults_of_the_configuration():
    options = {name: parameter.default for name, parameter in inspect.signature(serve).parameters.items()}
    defaults = {field.name: field.default for field in fields(ServerConfig) if field.default is not MISSING}
    both = options.keys() & defaults.keys()
    assert len(both) >= 12
    assert {name: options[name] for name in both} == {name: defaults[name] for name in both}
    assert options["max_mbytes_per_s"] * 1e6 == ServerConfig.max_bytes_per_s


def test_zeros_become_what_this_machine_can_do():
    config = ServerConfig(workers=3)
    assert (config.workers, config.max_sessions) == (3, 6)
    assert ServerConfig().workers >= 1
    assert config.max_pixels > 1e6
    assert ServerConfig(max_sessions=1, max_pixels=10).max_sessions == 1
