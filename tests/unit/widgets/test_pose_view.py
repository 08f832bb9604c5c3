from types import SimpleNamespace

import pytest

from livedance_lab.errors import SettingsError
from livedance_lab.plots.theme import FRAME_STATES
from livedance_lab.settings import CLIENT_SETTINGS, Settings
from livedance_lab.widgets import PoseView

SERVER = SimpleNamespace(url="http://127.0.0.1:8123", token="secret")


def test_address_and_token_come_from_the_server():
    view = PoseView(server=SERVER)
    assert (view.url, view.token, view.proxy) == ("http://127.0.0.1:8123", "secret", "")


def test_a_servers_own_proxy_path_is_used():
    assert PoseView(server=SimpleNamespace(**vars(SERVER), proxy_url="pose/")).proxy == "pose/"


def test_a_session_brings_its_server_along():
    view = PoseView(session=SimpleNamespace(id="monday", server=SERVER))
    assert (view.session, view.url) == ("monday", "http://127.0.0.1:8123")


def test_only_what_was_chosen_is_asked_of_the_server():
    """Defaults must not undo what the session is already set to."""
    assert PoseView(server=SERVER).requested_settings == {}
    assert PoseView(server=SERVER, short_side_px=256, mirror=True).requested_settings == {"short_side_px": 256}
    assert PoseView(server=SERVER, angles="clinical", mirrored=True).requested_settings == {
        "angles": "clinical",
        "mirrored": True,
    }


def test_defaults_are_those_of_the_settings():
    view, settings = PoseView(), Settings()
    for name in CLIENT_SETTINGS:
        assert getattr(view, name) == getattr(settings, name)


def test_a_setting_out_of_range_is_refused_at_the_start_and_later():
    with pytest.raises(SettingsError, match="short_side_px"):
        PoseView(short_side_px=5)
    view = PoseView()
    with pytest.raises(SettingsError, match="pacing"):
        view.pacing = "sometimes"
    assert view.pacing == "auto"


def test_an_unknown_option_is_refused_by_name():
    with pytest.raises(SettingsError, match="no option mirroring"):
        PoseView(mirroring=True)


def test_the_token_is_not_shown():
    assert "secret" not in repr(PoseView(server=SERVER))


def test_the_page_gets_one_module_and_its_style():
    view = PoseView()
    assert view._esm.count("export default") == 1
    assert ".ldl-view" in view._css


def test_the_page_gets_the_names_and_labels_that_are_defined_in_python():
    state = PoseView().get_state()
    assert state["client_settings"] == list(CLIENT_SETTINGS)
    assert set(CLIENT_SETTINGS) <= set(state)
    assert state["frame_states"]["client_skipped"]["label"] == FRAME_STATES["client_skipped"].label
