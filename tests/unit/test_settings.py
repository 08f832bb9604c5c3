"""Settings are checked at the door, and a refusal says what was expected and what came."""

from __future__ import annotations

import re

import pytest

from livedance_lab.errors import SettingsError
from livedance_lab.settings import CLIENT_SETTINGS, Settings, Smoothing, load_preset, save_preset, setting_specs


def test_a_change_makes_a_new_version_and_leaves_the_old():
    old = Settings()
    new = old.changed({"complexity": 2, "pacing": "free"})

    assert (new.complexity, new.pacing) == (2, "free")
    assert (old.complexity, old.pacing) == (1, "auto")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"complexity": 3}, r"complexity must be 0, 1 or 2, got 3"),
        ({"hand_confidence": 1.5}, r"hand_confidence must be less than or equal to 1, got 1\.5"),
        ({"gap_reset_s": 0}, r"gap_reset_s must be greater than 0, got 0"),
        ({"detection_confidence": float("nan")}, r"detection_confidence must be a finite number, got nan"),
        ({"pacing": "fast"}, r"pacing must be 'auto', 'paced' or 'free', got 'fast'"),
        ({"colour": "red"}, r"no setting 'colour'; the settings are design, .*painting"),
        ({"smoothing": {"filter": "ema", "params": {"alpha": "x"}}}, r"smoothing\.params\.alpha must be"),
        ({"smoothing": {"groups": {"tail": {}}}}, r"smoothing\.groups\.tail"),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_expected_and_what_came(changes, words):
    with pytest.raises(SettingsError, match=words):
        Settings().changed(changes)


def test_every_wrong_field_is_named():
    with pytest.raises(SettingsError, match=r"complexity must be .*; num_hands must be"):
        Settings().changed({"complexity": 9, "num_hands": 5})


def test_a_long_wrong_value_does_not_fill_the_message():
    with pytest.raises(SettingsError) as caught:
        Settings().changed({"pacing": "x" * 10_000})
    assert len(str(caught.value)) < 300


def test_the_defaults_are_the_documented_ones():
    s = Settings()

    assert (s.smoothing.filter, s.smoothing.params, s.painting) == ("kalman_adaptive", {}, "predict")
    assert (s.short_side_px, s.jpeg_quality, s.complexity, s.hand_confidence) == (384, 0.7, 1, 0.3)
    assert s.detection_confidence == s.presence_confidence == s.tracking_confidence == 0.5


def test_every_setting_has_its_metadata():
    specs = setting_specs()
    assert list(specs) == list(Settings.model_fields)
    for name, spec in specs.items():
        assert spec.label, name
        assert spec.description.endswith("."), name
        assert spec.acts_on in ("server", "client"), name
        suffix = name.rsplit("_", 1)[-1]
        assert (suffix == spec.unit.lower()) == (suffix in ("s", "ms", "hz", "px")), name
    assert specs["hands_max_hz"].range == "0 to 240 Hz"
    assert specs["gap_reset_s"].range == "above 0, to 10 s"
    assert specs["complexity"].choices == (0, 1, 2)
    assert (specs["short_side_px"].minimum, specs["short_side_px"].maximum) == (96, 2160)


def test_the_client_s_settings_are_those_it_acts_on():
    assert CLIENT_SETTINGS == ("short_side_px", "image_format", "jpeg_quality", "pacing", "painting")


def test_the_described_fields_of_smoothing_have_metadata_too():
    assert {name: spec.range for name, spec in setting_specs(Smoothing).items()} == {
        "max_speed": "0 to 100 body sizes/s", "rigid_bones": "true, false"}  # fmt: skip


def test_the_representation_names_what_differs_from_the_defaults():
    assert repr(Settings()) == "Settings()"
    changed = Settings(complexity=2, smoothing=Smoothing(filter="none"))
    assert repr(changed) == "Settings(complexity=2, smoothing=Smoothing(filter='none'))"


def test_the_html_representation_has_every_setting_and_marks_the_changed_ones():
    html = Settings(complexity=2, angles=("<b>",))._repr_html_()
    assert all(f">{name}</td>" in html for name in Settings.model_fields)
    assert html.count("<b>") == 2
    assert re.search("<b>2</b></td><td[^>]*>1</td>", html)
    assert "<b>&lt;b&gt;</b>" in html


@pytest.mark.parametrize(
    ("settings", "names"),
    [(Settings(), ("pose_full", "hands")), (Settings(complexity=0, hands=False), ("pose_lite",))],
)
def test_settings_name_the_models_they_need(settings, names):
    assert settings.model_names == names


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(complexity=2, hands=False, pacing="free", design="join", hands_max_hz=7.5),
        Settings(smoothing=Smoothing(filter="none", params={})),
        Settings(smoothing=Smoothing(filter="one_euro", params={"beta": 0.4},
                                     groups={"hands": Smoothing(filter="none"), "angles": Smoothing()})),
    ],
    ids=["defaults", "changed", "no filter", "groups"],
)  # fmt: skip
def test_a_preset_comes_back_as_it_was_saved(tmp_path, settings):
    path = tmp_path / "preset.toml"
    save_preset(settings, path)

    assert load_preset(path) == settings
    assert "# Pose model: 0 lite, 1 full, 2 heavy." in path.read_text()


def test_a_preset_needs_to_name_only_what_differs(tmp_path):
    path = tmp_path / "preset.toml"
    path.write_text("complexity = 0\n")

    assert load_preset(path) == Settings(complexity=0)


@pytest.mark.parametrize(
    ("text", "words"), [("complexity = [", "cannot be read"), ("complexity = 7", "complexity must")]
)
def test_a_broken_preset_says_so(tmp_path, text, words):
    path = tmp_path / "preset.toml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=words):
        load_preset(path)


def test_a_missing_preset_and_an_unwritable_one_say_so(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_preset(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_preset(Settings(), tmp_path / "no" / "such" / "folder.toml")
