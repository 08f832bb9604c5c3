"""Versions of the software."""

from __future__ import annotations

import json

import numpy as np

from livedance_lab._version import __version__
from livedance_lab.system.versions import software


def test_a_package_without_a_record_is_unknown_not_an_error():
    made = software("numpy", "no-such-package")
    assert made["livedance_lab"] == __version__
    assert made["packages"] == {"numpy": np.__version__, "no-such-package": None}
    assert json.loads(json.dumps(made)) == made
