"""Analyses every frame of a video with the steps of the live pipeline: pose, hands, angles, smoothing.

Pose and hands of the *same* frame run in parallel, in two threads with one landmarker each, and no frame is skipped.
The values depend on nothing but the images and their times, so two runs give the same values.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Generic, TypeVar

from livedance_lab.clock import now_s
from livedance_lab.errors import EstimatorError
from livedance_lab.estimators.base import Estimate, Estimator, MonotonicMs, factory, region_factory
from livedance_lab.estimators.hand_crops import Crop, estimate_with_crops
from livedance_lab.media.images import ImageArray, downscale
from livedance_lab.media.video import VideoFrame
from livedance_lab.pipeline.people.follower import PeopleFollower
from livedance_lab.pipeline.people.measurement import PeopleMeasurer
from livedance_lab.pipeline.people.tracker import PeopleTracker, PersonEvent
from livedance_lab.pipeline.result_builder import ResultBuilder, people_of
from livedance_lab.pose import Frame, FrameRecord, FrameState, FrameTimes, PoseResult
from livedance_lab.settings import Settings

__all__ = ["FrameAnalyzer"]


_Made = TypeVar("_Made", Estimator, PeopleMeasurer)


class _InThread(Generic[_Made]):
    """Something that is made, used and closed in a thread of its own."""

    def __init__(self, kind: str, make: Callable[[], _Made]) -> None:
        self._thread = ThreadPoolExecutor(1, f"livedance-{kind}")
        self._made: Future[_Made] = self._thread.submit(make)

    def close(self) -> None:
        if self._made.exception() is None:
            self._thread.submit(self._made.result().close).result()
        self._thread.shutdown()


class _People(_InThread[PeopleMeasurer]):
    """Measures everybody and says who is who; the counterpart of `_Landmarker` for poses."""

    def __init__(self, family: str, settings: Settings, on_event: Callable[[PersonEvent], None]) -> None:
        make_regions = region_factory(family)
        self._follower = PeopleFollower(PeopleTracker(settings.max_people), on_event)
        super().__init__("pose", lambda: PeopleMeasurer(make_regions(settings), self._follower.to_find))

    @property
    def known_ids(self) -> frozenset[int]:
        """Everybody who is there or may return."""
        return self._follower.known_ids

    def start(self, rgb: ImageArray, t_s: float, size_px: tuple[int, int]) -> Future[tuple[dict[int, Estimate], float]]:
        """Start on an image; the future gives everybody's estimate by id, and the duration in ms."""
        return self._thread.submit(self._estimate, rgb, t_s, size_px)

    def _estimate(self, rgb: ImageArray, t_s: float, size_px: tuple[int, int]) -> tuple[dict[int, Estimate], float]:
        start_s = now_s()
        found = self._made.result().measure(rgb, t_s, size_px)
        return self._follower.estimates(t_s, found), (now_s() - start_s) * 1000


class _Landmarker(_InThread[Estimator]):
    """An estimator of one person's pose, or of hands."""

    def __init__(self, family: str, kind: str, settings: Settings) -> None:
        super().__init__(kind, partial(factory(family), kind, settings))

    def start(self, rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...] = ()) -> Future[tuple[Estimate, float]]:
        """Start inference on an image, or on crops of it; the future gives the estimate and its duration in ms."""
        return self._thread.submit(self._estimate, rgb, t_ms, crops)

    def _estimate(self, rgb: ImageArray, t_ms: int, crops: tuple[Crop, ...]) -> tuple[Estimate, float]:
        start_s, estimator = now_s(), self._made.result()
        estimate = estimate_with_crops(estimator, rgb, t_ms, lambda: crops)
        return estimate, (now_s() - start_s) * 1000


class FrameAnalyzer:
    """The landmarkers, and the state of the filters, for one video. Use it as a context manager.

    Parameters
    ----------
    settings : Settings
    estimator : str, default "mediapipe"
        Name of the estimator family.

    Attributes
    ----------
    person_events : list of PersonEvent
        What happened to people's ids so far.

    Raises
    ------
    EstimatorError
        At the first frame, if a landmarker cannot be made; at once if several people are to be followed and the
        estimator follows one.
    """

    def __init__(self, settings: Settings, estimator: str = "mediapipe") -> None:
        self.settings = settings
        self.result_builder = ResultBuilder(settings, now_s)
        self.person_events: list[PersonEvent] = []
        self._poses: _People | _Landmarker = (
            _People(estimator, settings, self.person_events.append) if settings.max_people > 1
            else _Landmarker(estimator, "pose", settings)
        )  # fmt: skip
        self._hands = _Landmarker(estimator, "hands", settings) if settings.hands else None
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
        crops = self.result_builder.hand_crops(source)  # predicted from earlier poses
        hands = self._hands.start(small, t_ms, crops) if self._hands is not None else None
        try:
            people, record.stage_ms["pose"] = self._people(small, frame.t_s, t_ms, size_px)
            if hands is not None:
                estimate, record.stage_ms["hands"] = hands.result()
                self.result_builder.add_hands(source, estimate, record.stage_ms["hands"])
        except EstimatorError as exc:
            return replace(record, state=FrameState.FAILED, reason=str(exc)), None
        return record, self.result_builder.build(source, people, record, 1)

    def _people(
        self, rgb: ImageArray, t_s: float, t_ms: int, size_px: tuple[int, int]
    ) -> tuple[dict[int, Estimate], float]:
        """Everybody's estimate by id, and the duration in ms."""
        if isinstance(self._poses, _People):
            people, took_ms = self._poses.start(rgb, t_s, size_px).result()
            self.result_builder.keep_only(self._poses.known_ids)
            return people, took_ms
        estimate, took_ms = self._poses.start(rgb, t_ms).result()
        return people_of(estimate), took_ms

    def __enter__(self) -> FrameAnalyzer:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._poses.close()
        if self._hands is not None:
            self._hands.close()
