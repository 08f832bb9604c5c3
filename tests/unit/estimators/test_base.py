"""What suits an estimator family."""

from __future__ import annotations

import pytest

from livedance_lab.batch import plan_jobs
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import settings_for
from livedance_lab.server.config import ServerConfig
from livedance_lab.settings import Settings, Smoothing


def test_blazepose_is_smoothed_for_landmarks_that_nobody_smoothed_before():
    config = ServerConfig(estimator="blazepose")
    assert config.settings.smoothing.params == {"measurement_noise": 0.02}
    assert ServerConfig().settings == Settings()


def test_smoothing_that_was_chosen_stays():
    for chosen in (Smoothing(filter="none"), Smoothing(params={"measurement_noise": 0.005})):
        assert settings_for("blazepose", Settings(smoothing=chosen)).smoothing == chosen


def test_an_analysis_gets_the_same(tmp_path):
    (tmp_path / "a.mp4").touch()
    (job,) = plan_jobs([tmp_path / "a.mp4"], tmp_path, estimator="blazepose")
    assert job.settings["smoothing"]["params"] == {"measurement_noise": 0.02}
    with pytest.raises(
        EstimatorError, match="there is no estimator 'blasepose'; the estimators are blazepose, mediapipe"
    ):
        plan_jobs([tmp_path / "a.mp4"], tmp_path, estimator="blasepose")
