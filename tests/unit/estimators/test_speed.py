"""The pose model that suits a machine."""

from __future__ import annotations

import pytest

from livedance_lab.errors import ModelError
from livedance_lab.estimators import speed


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A machine on which a full pose takes as long as the test says; every model is here."""
    takes = {"pose": 10.0}
    monkeypatch.setattr(speed, "inference_ms", takes.get)
    monkeypatch.setattr(speed, "ensure", lambda *_: None)
    return takes


@pytest.mark.parametrize(("full_ms", "complexity", "words"), [(20, 1, "full, because"), (90, 0, "lite, because")])
def test_lite_is_for_slow_machines(machine, full_ms, complexity, words):
    machine["pose"] = full_ms
    chosen, reason = speed.suitable_complexity()
    assert chosen == complexity
    assert reason.startswith(f"{words} a full pose takes {full_ms} ms on this machine")


def test_a_slow_machine_that_cannot_get_lite_uses_full_and_says_why(machine, monkeypatch):
    def ensure(kind: str, complexity: int, progress: object) -> None:
        if complexity == 0:
            raise ModelError("there is no npm")

    machine["pose"] = 90
    monkeypatch.setattr(speed, "ensure", ensure)
    chosen, reason = speed.suitable_complexity()
    assert chosen == 1
    assert reason.endswith("because lite is missing: there is no npm")


@pytest.mark.model
def test_an_inference_is_measured_on_a_picture_with_a_person():
    assert speed.inference_ms("pose") > 0
