"""The public surface: what users may import, so that it never changes by accident."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import livedance_lab

PUBLIC: dict[str, tuple[str, ...]] = {
    "": ("LiveClient", "LiveDanceError", "LiveServer", "LiveSession", "Recording", "SessionData", "Settings"),
    "analysis": (
        "pareto_front", "qualities_over_time", "rom_deg", "smoothing_effect", "still_and_moving", "suggest",
        "try_filters", "zero_phase_butterworth",
    ),
    "analysis.filters": (
        "FILTERS", "Filter", "Parameter", "butterworth", "checked", "describe", "ema", "holt", "kalman", "make_filter",
        "one_euro", "register",
    ),
    "batch": ("Outcome", "VideoJob", "analyze_videos", "plan_jobs", "run_jobs"),
    "cli": ("app", "main"),
    "cli.doctor_checks": ("Check", "run"),
    "client": ("LiveClient", "LiveSession"),
    "client.lsl": ("LslBridge",),
    "estimators": ("Estimate", "Estimator", "HandEstimate", "factory", "register"),
    "estimators.model_store": (
        "CATALOGUE", "FOLDER_VARIABLE", "Model", "ModelStatus", "Part", "Progress", "ensure", "folder",
        "is_stored", "sha256_of", "upstream_bundle", "verify",
    ),
    "export": ("FORMATS", "ExportOptions", "export"),
    "launcher": ("LiveServer", "find_servers"),
    "plots": ("overview_figure", "save_overview"),
    "samples": (
        "EVALUATED", "GROUPS", "SAMPLE_CLIP", "angle_truth", "joint_truth", "people_truth", "sample_path",
    ),
    "session_data": (
        "Recording", "SessionData", "name_people", "recording_overview", "relabel_people", "resmooth", "summarise",
    ),
    "widgets": ("LivePlots", "PoseView", "TuningPanel", "camera_or_clip"),
}  # fmt: skip
"""Names by package; a package that is not here has none. Adding a name is a decision, and a line in the changelog;
taking one away breaks somebody's notebook."""

LAZY = ("", "analysis", "export", "plots", "session_data", "widgets")
"""Packages that load a name on first use."""


def module(name: str):
    return importlib.import_module(f"livedance_lab.{name}".rstrip("."))


def packages() -> list[str]:
    found = pkgutil.walk_packages(livedance_lab.__path__, "livedance_lab.")
    return ["", *(part.name.removeprefix("livedance_lab.") for part in found if part.ispkg)]


@pytest.mark.parametrize("name", sorted({*packages(), *PUBLIC}))
def test_the_public_names_are_the_agreed_ones(name):
    assert sorted(getattr(module(name), "__all__", ())) == sorted(PUBLIC.get(name, ()))


@pytest.mark.parametrize(("package", "name"), [(p, name) for p in LAZY for name in PUBLIC[p]])
def test_each_public_name_is_there_and_documented(package, name):
    value = getattr(module(package), name)
    assert inspect.getdoc(value)
    assert getattr(value, "__module__", "livedance_lab.").startswith("livedance_lab.")


@pytest.mark.parametrize("package", LAZY)
def test_a_package_shows_its_public_names_and_nothing_else(package):
    assert dir(module(package)) == sorted(PUBLIC[package])


@pytest.mark.parametrize("package", LAZY)
def test_a_public_name_is_no_module(package):
    """A name shared with a module would be the object at first and the module once that is imported."""
    loaded = module(package)
    modules = {part.name for part in pkgutil.iter_modules(loaded.__path__)}
    assert not modules & set(PUBLIC[package])


@pytest.mark.parametrize("package", LAZY)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="no_such_name"):
        module(package).no_such_name  # noqa: B018


@pytest.mark.process
@pytest.mark.parametrize("package", LAZY[1:])
def test_nothing_is_loaded_before_a_name_is_used(package):
    code = f"import sys, livedance_lab.{package}; print(*(m for m in sys.modules if m.startswith('livedance_lab.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "livedance_lab._lazy", "livedance_lab._version", f"livedance_lab.{package}"}  # fmt: skip


def test_every_error_is_one_tree():
    errors = importlib.import_module("livedance_lab.errors")
    raised = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(error, livedance_lab.LiveDanceError) for error in raised)
    assert all(name in errors.__doc__ for name in errors.__all__), "the drawn tree names every error"


@pytest.mark.parametrize(
    "name", ["errors", "pose", "settings", "session_data.data", "wire.messages", "wire.results", "clock", "samples"]
)
def test_a_module_s_all_holds_what_it_defines(name):
    """Every name in `__all__` exists, and is defined or re-exported on purpose."""
    loaded = module(name)
    missing = [public for public in loaded.__all__ if not hasattr(loaded, public)]
    assert not missing
