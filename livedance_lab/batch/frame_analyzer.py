"""Analyses every frame of a video with the steps of the live pipeline: pose, hands, angles, smoothing.

Pose and hands of the *same* frame run in parallel, in two threads with one landmarker each, and no frame is skipped.
The values depend on nothing but the images and their times, so two runs give the same values.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

from livedance_lab.clock import now_s
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimate, Estimator, MonotonicMs, factory
from livedance_lab.estimators.hand_crops import Crop, estimate_with_crops
from livedance_lab.media.images import ImageArray, downscale
from livedance_lab.media.video import VideoFrame
from livedance_lab.pipeline.result_builder import ResultBuilder, people_of
from livedance_lab.pose import Frame, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.settings import Settings

__all__ = ["FrameAnalyzer"]


class _Landmarker:
    """An estimator that is made, used and closed in its own thread."""

    def __init__(self, family: str, kind: str, settings: Settings) -> None:
        self._thread = ThreadPoolExecutor(1, f"livedance-{kind}")
        self._estimator: Future[Estimator] = self._thread.submit(factory(family), kind, settings)

    def start(self, rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...] = ()) -> Future[tuple[Estimate, float]]:
        """Start inference on an image, or on crops of it; the future gives the estimate and its duration in ms."""
        return self._thread.submit(self._estimate, rgb, t_ms, crops)

    def _estimate(self, rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> tuple[Estimate, float]:
        start_s, estimator = now_s(), self._estimator.result()
        estimate = estimate_with_crops(estimator, rgb, t_ms, lambda: crops)
        return estimate, (now_s() - start_s) * 1000

    def close(self) -> None:
        if self._estimator.exception() is None:
            self._thread.submit(self._estimator.result().close).result()
        self._thread.shutdown()


class FrameAnalyzer:
    """The landmarkers, and the state of the filters, for one video. Use it as a context manager.

    Parameters
    ----------
    settings : Settings
    estimator : str, default "mediapipe"
        Name of the estimator family.

    Raises
    ------
    EstimatorError
        At the first frame, if a landmarker cannot be made.
    """

    def __init__(self, settings: Settings, estimator: str = "mediapipe") -> None:
        self.settings = settings
        self.result_builder = ResultBuilder(settings, now_s)
        kinds = ("pose", "hands") if settings.hands else ("pose",)
        self._landmarkers = {kind: _Landmarker(estimator, kind, settings) for kind in kinds}
        self._t_ms = MonotonicMs()

    def __call__(self, frame: VideoFrame) -> tuple[FrameRecord, PoseResult | None]:
        """Analyse one frame.

        Parameters
        ----------
        frame : VideoFrame
            Its time must be later than that of the one before.

        Returns
        -------
        record : FrameRecord
            Its ledger entry, `processed` or `failed`. Of its times only `t_capture_s` is known.
        result : PoseResult or None
            None if inference failed.
        """
        size_px = (frame.rgb.shape[1], frame.rgb.shape[0])
        source = Frame(frame.index, b"", size_px, FrameTimes(t_capture_s=frame.t_s))
        record = FrameRecord(frame.index, FrameState.PROCESSED, source.times)
        start_s = now_s()
        small = downscale(frame.rgb, self.settings.short_side_px)
        record.stage_ms["downscale"] = (now_s() - start_s) * 1000
        t_ms = self._t_ms(frame.t_s)
        crops = {"hands": self.result_builder.hand_crops(source)}  # predicted from earlier poses
        started = {kind: each.start(small, t_ms, crops.get(kind, ())) for kind, each in self._landmarkers.items()}
        try:
            done = {kind: future.result() for kind, future in started.items()}
        except EstimatorError as exc:
            return replace(record, state=FrameState.FAILED, reason=str(exc)), None
        record.stage_ms |= {kind: took_ms for kind, (_, took_ms) in done.items()}
        if "hands" in done:
            self.result_builder.add_hands(source, *done["hands"])
        return record, self.result_builder.build(source, people_of(done["pose"][0]), record, 1)

    def __enter__(self) -> FrameAnalyzer:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        for landmarker in self._landmarkers.values():
            landmarker.close()
