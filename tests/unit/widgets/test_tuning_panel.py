"""The panel against a real session: what is moved acts, what is changed elsewhere is followed."""

from __future__ import annotations

import pytest

from livedance_lab.analysis.filters import FILTERS
from livedance_lab.client import LiveSession
from livedance_lab.settings import Settings, Smoothing, setting_specs
from livedance_lab.widgets import tuning_panel
from livedance_lab.widgets.setting_controls import parameter_control, setting_control
from livedance_lab.widgets.tuning_panel import TuningPanel
from tests.unit.widgets.conftest import GIVE_UP_S, feed, until


@pytest.fixture
def panel(session: LiveSession, tmp_path):
    made = TuningPanel(session, presets=tmp_path / "presets", out=tmp_path / "out")
    yield made
    made.close()


def server_settings(session: LiveSession) -> dict:
    return session.summary["settings"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("short_side_px", 256), ("jpeg_quality", 0.5), ("image_format", "webp"), ("hands", False), ("complexity", 0),
     ("painting", "latest"), ("painting", "hermite"), ("pacing", "free"), ("detection_confidence", 0.65)],
)  # fmt: skip
def test_what_is_moved_is_in_force_on_the_server_and_logged(session, panel, name, value):
    panel.controls[name].value = value
    until(lambda: server_settings(session)[name] == value, f"{name} on the server")
    until(lambda: session.settings_version == 2, "the new version here")
    (change,) = session.events.query("kind == 'settings'")["data"]
    assert change["by"] == "tuning panel"
    assert change["changes"] == {name: value}


def test_a_model_that_the_server_cannot_get_is_explained_until_the_next_change(session, panel):
    reason = "the model pose_heavy is not here: livedance models fetch pose_heavy"
    panel._on_message({"type": "event", "kind": "error", "name": "estimator", "data": {"reason": reason}})
    restored = {"type": "settings", "version": 3, "settings": Settings().plain(), "by": "server"}
    panel._on_message(restored)
    assert reason in panel.status.value
    panel._on_message({**restored, "by": "PoseView"})
    assert reason not in panel.status.value


def test_a_dragged_slider_sends_what_it_comes_to(session, panel):
    for value in range(112, 512, 16):
        panel.controls["short_side_px"].value = value
    until(lambda: server_settings(session)["short_side_px"] == 496, "the last value")
    assert len(session.events.query("kind == 'settings'")) < 5


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_has_its_sliders_and_its_effect(session, panel, name):
    panel.filter.value = name
    assert list(panel.parameters) == [p.name for p in FILTERS[name].parameters]
    until(lambda: server_settings(session)["smoothing"]["filter"] == panel.filter.value, "the filter")
    assert "delay" in panel.effect.value


def test_a_parameter_acts_and_says_what_it_does(session, panel):
    panel.filter.value = "ema"
    before = panel.effect.value
    panel.parameters["alpha"].value = 0.2
    until(lambda: server_settings(session)["smoothing"]["params"].get("alpha") == 0.2, "alpha")
    until(lambda: panel.effect.value != before, "the other effect")
    assert "Hz" in panel.effect.value


def test_the_other_fields_of_the_smoothing_act_and_are_followed(session, panel):
    panel.extras["max_speed"].value = 12.0
    panel.extras["rigid_bones"].value = True
    until(lambda: server_settings(session)["smoothing"]["rigid_bones"], "rigid bones")
    assert server_settings(session)["smoothing"]["max_speed"] == 12.0
    session.set(smoothing={"filter": "none"})
    until(lambda: panel.filter.value == "none", "the filter being followed")
    assert not panel.extras["rigid_bones"].value


def test_groups_set_elsewhere_are_kept(session, panel):
    groups = {"hands": Smoothing(filter="none").model_dump()}
    session.set(smoothing={"filter": "ema", "params": {"alpha": 0.5}, "groups": groups})
    until(lambda: "alpha" in panel.parameters and panel.parameters["alpha"].value == 0.5, "alpha being followed")
    panel.parameters["alpha"].value = 0.4
    until(lambda: server_settings(session)["smoothing"]["params"].get("alpha") == 0.4, "alpha on the server")
    assert server_settings(session)["smoothing"]["groups"] == groups


def test_changes_made_elsewhere_are_followed_and_not_sent_back(session, panel):
    with LiveSession.attach(session.server, session.id) as other:
        other.set(hands=False, short_side_px=320, smoothing={"filter": "one_euro", "params": {"beta": 9.0}})
        until(lambda: panel.filter.value == "one_euro", "the filter being followed")
    until(lambda: not panel.controls["hands"].value, "hands being followed")
    assert panel.controls["short_side_px"].value == 320
    assert panel.parameters["beta"].value == 9.0
    until(lambda: "by kernel" in panel.status.value, "the words")
    assert session.settings_version == 2
    assert len(session.events.query("kind == 'settings'")) == 1


def test_a_control_that_is_being_moved_is_left_alone(session, panel, monkeypatch):
    monkeypatch.setattr(tuning_panel, "_COLLECT_S", GIVE_UP_S)  # the change waits to be sent
    panel.controls["short_side_px"].value = 512
    session.set(short_side_px=128, jpeg_quality=0.4)
    until(lambda: panel.controls["jpeg_quality"].value == 0.4, "the other setting being followed")
    assert panel.controls["short_side_px"].value == 512


def test_what_is_refused_is_said_and_taken_back(session, panel):
    session.server.call("POST", f"/sessions/{session.id}/end", {})
    session.server, reachable = type(session.server)("http://127.0.0.1:9", "", 0), session.server
    panel.controls["short_side_px"].value = 512
    until(lambda: panel.error, "the words")
    session.server = reachable
    assert "no server answers" in panel.status.value
    assert panel.controls["short_side_px"].value == 384


def test_presets_go_to_a_file_and_back(session, panel, tmp_path):
    presets = panel.presets
    session.set(jpeg_quality=0.55)
    presets.name.value = "my one"
    presets.save.click()
    session.set(jpeg_quality=0.9)
    presets.load.click()
    assert server_settings(session)["jpeg_quality"] == 0.55
    assert (tmp_path / "presets" / "my one.toml").is_file()
    assert presets.name.options == ("my one",)
    until(lambda: panel.controls["jpeg_quality"].value == 0.55, "the preset being followed")


def test_it_says_which_angles_there_are(panel):
    texts = [
        widget.value for group in panel.children[1].children for widget in group.children if hasattr(widget, "value")
    ]
    assert any("elbow, knee, shoulder, hip (fixed since the session began)" in str(text) for text in texts)


def test_a_preset_of_other_angles_is_loaded_without_them(session, panel, tmp_path):
    presets = panel.presets
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "other.toml").write_text('angles = ["clinical"]\njpeg_quality = 0.35\nmirrored = true\n')
    presets.name.value = "other"
    presets.load.click()
    assert server_settings(session)["jpeg_quality"] == 0.35
    assert server_settings(session)["angles"] == ["included"]
    until(lambda: panel.controls["mirrored"].value, "the preset being followed")


def test_a_preset_that_is_not_there_is_said(panel):
    presets = panel.presets
    presets.name.value = "../../etc/none"
    presets.load.click()
    assert "ldl-error" in presets.message.value
    assert "none.toml cannot be read" in presets.message.value


def test_a_moment_is_marked(session, panel):
    marks = panel.marks
    marks.name.value = "jump"
    marks.mark.click()
    marks.name.value = ""
    marks.mark.click()
    assert session.events.query("kind == 'mark'")["name"].tolist() == ["jump", "mark 2"]


def test_exporting_shows_progress_and_leaves_files(session, panel, tmp_path):
    feed(session, 3)
    told = []
    export = panel.export
    export.progress.observe(lambda change: told.append(change["new"]), "value")
    export.start.click()
    export.thread.join()
    assert {file.name for file in export.files} >= {"angles.csv", "frames.csv", "manifest.json"}
    assert all(file.is_file() and file.is_relative_to(tmp_path / "out") for file in export.files)
    assert told == sorted(told)
    assert told
    assert not export.start.disabled


def test_an_export_that_fails_is_said(session, panel):
    export = panel.export
    export.format.value = "dlc-csv"
    export.start.click()
    export.thread.join()
    assert "ldl-error" in export.message.value
    assert not export.start.disabled


# --- controls


@pytest.mark.parametrize("name", ["short_side_px", "jpeg_quality", "hand_confidence"])
def test_a_slider_s_ends_are_allowed(name):
    slider = setting_control(setting_specs()[name])
    for value in (slider.min, slider.value, slider.max):
        assert getattr(Settings.parse({name: value}), name) == value


@pytest.mark.parametrize(
    "spec", [p for name in sorted(FILTERS) for p in FILTERS[name].parameters], ids=lambda p: p.name
)
def test_a_parameter_s_slider_reaches_its_range(spec):
    slider = parameter_control(spec, spec.default)
    assert slider.value == pytest.approx(spec.default)
    slider.value = spec.maximum
    assert slider.value == pytest.approx(spec.maximum)
    slider.value = spec.minimum
    assert slider.value == pytest.approx(spec.minimum)
    assert spec.description in slider.tooltip


def test_what_the_smoothing_does_is_measured_while_the_session_runs(session, panel):
    """In a thread beside the session's; four seconds of a person are looked at."""
    feed(session, 3)
    until(lambda: "4 s" in panel.measured.value, "the measuring")


def test_labels_are_the_settings_own_terms_with_their_units(panel):
    labels = {name: control.description for name, control in {**panel.controls, **panel.extras}.items()}
    assert labels["detection_confidence"] == "min. detection confidence"
    assert labels["short_side_px"] == "picture short side (px)"
    assert labels["max_speed"] == "max. speed (body sizes/s)"
    assert labels["pacing"] == "pacing"
