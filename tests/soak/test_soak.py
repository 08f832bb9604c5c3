"""A short soak: every kind of disturbance, too short to judge memory; ``python -m tests.soak`` runs longer."""

from __future__ import annotations

import pytest

from tests.soak.run import Reading, Report, soak


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_short_day_of_many_clients_leaves_nothing_behind():
    report = soak(0, (1, 4, 8), rate_hz=15.0, round_s=4.0, seed=7)
    assert report.wrong == []
    assert report.conserved >= 1 + 4 + 8
    assert report.done["results"] > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rss_mb": 20.0}, "memory grew"), ({"threads": 40}, "threads grew"), ({"files": 9}, "files grew"), ({}, "")],
)
def test_growth_is_seen(change, words):
    """The judgement can fail."""
    report = Report([Reading(1, t_s, 100.0, 10.0, 10, 20, t_s) for t_s in range(0, 1200, 100)])
    for reading in report.readings[8:]:
        for name, more in change.items():
            setattr(reading, name, getattr(reading, name) + more)
    report.judge()
    assert [words in wrong for wrong in report.wrong] == [True] * bool(words)
