"""The public surface: what users may import, so that it never changes by accident."""

from __future__ import annotations

import importlib
import inspect

import pytest

import livedance_lab

PUBLIC = {
    "LiveClient",
    "LiveDanceError",
    "LiveServer",
    "LiveSession",
    "Recording",
    "SessionData",
    "Settings",
}
"""Adding a name here is a decision, and a line in the changelog; taking one away breaks somebody's notebook."""


def test_the_public_names_are_the_agreed_ones():
    assert set(livedance_lab.__all__) == PUBLIC
    assert livedance_lab.__all__ == sorted(livedance_lab.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_public_name_is_there_and_documented(name):
    value = getattr(livedance_lab, name)
    assert inspect.getdoc(value)
    assert name in dir(livedance_lab)
    assert value.__module__.startswith("livedance_lab.")


def test_a_public_name_is_no_module():
    """A name shared with a sub-package would be the object at first and the module once that is imported."""
    for name in PUBLIC:
        getattr(livedance_lab, name)
        assert not inspect.ismodule(getattr(livedance_lab, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        livedance_lab.no_such_name  # noqa: B018


def test_every_error_is_one_tree():
    errors = importlib.import_module("livedance_lab.errors")
    raised = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(error, livedance_lab.LiveDanceError) for error in raised)
    assert all(name in errors.__doc__ for name in errors.__all__), "the drawn tree names every error"


@pytest.mark.parametrize(
    "module", ["errors", "pose", "settings", "session_data.data", "wire.messages", "wire.results", "clock"]
)
def test_a_module_s_all_holds_what_it_defines(module):
    """Every name in `__all__` exists, and is defined or re-exported on purpose."""
    loaded = importlib.import_module(f"livedance_lab.{module}")
    missing = [name for name in loaded.__all__ if not hasattr(loaded, name)]
    assert not missing
