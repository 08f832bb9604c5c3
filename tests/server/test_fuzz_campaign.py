"""A short run of ``python -m tests.fuzz``: a server process, invalid messages, and a valid session next to them."""

from __future__ import annotations

import asyncio

import pytest

from tests.fuzz.campaign import Report, campaign


@pytest.mark.timeout(600)  # for a busy machine
def test_wrong_messages_cost_no_session_and_surprise_nobody(tmp_path):
    report = asyncio.run(campaign(3000, seed=1, connections=3, folder=tmp_path))
    assert report.held, report.words()
    assert report.messages >= 3000
    assert report.frames > 500
    assert report.texts > 500
    assert report.http_requests > 0
    assert len(report.answers) > 10, report.words()  # the server did receive the messages
    assert report.honest["results"] > 0


@pytest.mark.parametrize(
    "wrong",
    [{"lost": ["fuzz-1"]}, {"unhandled": ["Traceback"]}, {"honest": {}},
     {"honest": {"captured": 2, "processed": 1, "conserved": True}},
     {"honest": {"captured": 2, "processed": 2, "conserved": False}}],
    ids=["lost session", "exception", "no honest session", "a frame without a result", "sums that do not add up"],
)  # fmt: skip
def test_the_report_says_so_when_a_promise_was_not_kept(wrong):
    kept = {"honest": {"captured": 2, "processed": 2, "conserved": True}}
    assert Report(**kept).held
    assert not Report(**{**kept, **wrong}).held
