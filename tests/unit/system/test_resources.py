"""What the machine offers to this process."""

from __future__ import annotations

import os

import pytest

from livedance_lab.system.resources import core_count


def test_at_least_one_core_is_known():
    assert 1 <= core_count() <= (os.cpu_count() or 1)


def test_cores_that_the_process_may_not_use_do_not_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3}, raising=False)
    assert core_count() == 1


@pytest.mark.parametrize(("cores", "counted"), [(6, 6), (None, 1)])
def test_a_system_without_affinity_counts_all_cores(monkeypatch, cores, counted):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert core_count() == counted
