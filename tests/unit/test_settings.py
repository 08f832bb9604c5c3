"""Settings are checked at the door, and a refusal says what was expected and what came."""

from __future__ import annotations

import pytest

from livedance_lab.analysis.filters import make_filter
from livedance_lab.errors import SettingsError
from livedance_lab.settings import Settings, Smoothing, load_preset, save_preset


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


def test_every_setting_says_who_acts_on_it_and_what_it_is():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict)
        assert field.json_schema_extra["who"] in ("server", "client"), name


@pytest.mark.parametrize("name", ["one_euro", "none"])
def test_another_filter_does_not_inherit_the_default_ones_parameters(name):
    choice = Settings().changed({"smoothing": {"filter": name}}).smoothing

    assert choice.params == {}
    make_filter(choice.filter, choice.params)


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
