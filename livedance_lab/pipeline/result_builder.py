"""Builds results from estimates: everybody whom a frame shows, with their hands. No threads, no wall clock.

Live sessions, offline analysis and the replay of recorded landmarks use the same `ResultBuilder`, so live and offline
results agree to the last bit. What it does for each person is in `livedance_lab.pipeline.person_builder`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set

from livedance_lab.analysis.angles import angle_ids
from livedance_lab.errors import SettingsError, WireError
from livedance_lab.estimators.base import Estimate
from livedance_lab.estimators.hand_crops import Crop
from livedance_lab.pipeline.hand_tracking import HandsTally, assign_hands, visible_wrists
from livedance_lab.pipeline.person_builder import FLIP, Hands, PersonBuilder, in_pixels
from livedance_lab.pose import Body, Frame, FrameRecord, FrameState, PoseResult
from livedance_lab.settings import Settings

__all__ = ["ResultBuilder", "people_of"]


class ResultBuilder:
    """Builds the results of one session, in capture order.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Returns the time in seconds; used for stage times and events only, it never influences a value.

    Attributes
    ----------
    angle_names : tuple of str
        Ids of the joint angles that are computed; they do not change during a session.
    followed_id : int
        The person whose values a result has under its own names; 0 before anybody was seen.
    on_followed_change : callable
        Called when another person is followed than before, with the new id, the id before, and the time in seconds.
    wrists_visible : bool
        Whether the last frame shows a wrist; True before the first.
    tally : HandsTally

    Raises
    ------
    SettingsError
        If the settings name an unknown angle, filter or parameter.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.angle_names = angle_ids(settings.angles)
        self._clock = clock
        self.followed_id = 0
        self.on_followed_change: Callable[[int, int, float], None] = lambda _new, _before, _t_s: None
        self.wrists_visible = True
        self.tally = HandsTally()
        self.settings = settings
        self._people: dict[int, PersonBuilder] = {}
        self._hands_seq = -1  # the newest frame that was searched for hands, since somebody was seen
        self._early: tuple[Frame, Estimate, float] | None = None  # hands found before anybody was seen
        self._new_person(0)  # refuses unknown filters and parameters now, not at the first person

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next frame on; the filters keep their state where it stays valid.

        Raises
        ------
        SettingsError
            If the settings name other angles, or an unknown filter or parameter; nothing is changed then.
        """
        if settings.max_people != self.settings.max_people:
            raise SettingsError(
                f"max_people is fixed when a session begins: this one follows {self.settings.max_people}, and "
                f"{settings.max_people} was requested. Begin another session."
            )
        if angle_ids(settings.angles) != self.angle_names:
            raise SettingsError(
                "angles are fixed when a session begins, because its tables have a column for each: this one has "
                f"{', '.join(self.settings.angles)}, and {', '.join(settings.angles)} was requested. Begin another "
                "session with these angles."
            )
        PersonBuilder(0, settings, self.angle_names, self._clock)  # refuses what it does not know; then all can change
        for person in self._people.values():
            person.reconfigure(settings)
        self.settings = settings
        self._early = None

    def keep_only(self, ids: Set[int]) -> None:
        """Drop the state of everybody else: they have left for good, and their ids are not used again.

        If the followed person is among them, the first of the next people who are seen is followed.
        """
        for id in self._people.keys() - ids:
            del self._people[id]

    def follow(self, id: int) -> None:
        """Follow this person from the next result on.

        Raises
        ------
        WireError
            Code "person": nobody has this id, or they have left for good; the text names the known ids.
        """
        if id not in self._people:
            known = ", ".join(map(str, sorted(self._people))) or "none so far"
            raise WireError("person", f"there is no person {id} to follow; the known ids are: {known}.")
        self._follow(id, self._clock())

    def _follow(self, id: int, t_s: float) -> None:
        before, self.followed_id = self.followed_id, id
        if before not in (0, id):  # at first nobody is followed
            self.on_followed_change(id, before, t_s)

    @property
    def last_poses(self) -> tuple[Body, ...]:
        """Everybody's pose in the last frame, as estimated."""
        return tuple(person.pose for person in self._people.values())

    def hand_crops(self, frame: Frame) -> tuple[Crop, ...]:
        """Where in a frame hands should be searched; empty: in the whole frame."""
        if self.settings.hands_crop == "none" or 0 in frame.source_size_px:
            return ()
        t_s, size_px, alone = frame.times.t_capture_s, frame.source_size_px, len(self._people) == 1
        return tuple(c for person in self._people.values() for c in person.wrists.crops(t_s, size_px, alone=alone))

    def add_hands(self, frame: Frame, estimate: Estimate, stage_ms: float) -> int:
        """Keep the hands of one frame for the next results, unless those of a newer frame are there.

        Returns
        -------
        int
            How many hands belong to somebody. Before anybody was seen it is 0: the first pose decides then.
        """
        if frame.seq <= self._hands_seq:
            return 0
        if not self._people and self.settings.max_people == 1 and estimate.hands:
            self._people[1] = self._new_person(1)  # a camera may show hands only
        if not self._people:
            self._early = (frame, estimate, stage_ms)
            return 0
        return self._give_hands(frame, estimate, stage_ms, {id: p.pose for id, p in self._people.items()})

    def _give_hands(self, frame: Frame, estimate: Estimate, stage_ms: float, poses: Mapping[int, Body]) -> int:
        px = [in_pixels(hand.xyz, frame, estimate) for hand in estimate.hands]
        mirrored = self.settings.mirrored
        owners = assign_hands(estimate.hands, px, poses, mirrored=mirrored)
        bodies: dict[int, Body] = {}
        for index, (id, side) in owners.items():
            body = bodies.setdefault(id, Body())
            body.hands_px[side] = px[index]
            body.hands_world_m[side] = estimate.hands[index].world_m * (FLIP if mirrored else 1)
            body.hands_score[side] = estimate.hands[index].score
        for id, person in self._people.items():
            found = bodies.get(id)
            person.add_hands(None if found is None else Hands(frame.seq, frame.times.t_capture_s, found, stage_ms))
        self._hands_seq = frame.seq
        self.tally.add(len(estimate.hands), len(owners), stage_ms)
        return len(owners)

    def build(
        self, frame: Frame, people: Mapping[int, Estimate], record: FrameRecord, settings_version: int
    ) -> PoseResult:
        """Build the result of one frame, with the newest hands that are not too old.

        Parameters
        ----------
        frame : Frame
            Its `t_capture_s` must not be earlier than the previous call's.
        people : mapping of int to Estimate
            The pose of everybody whom the frame shows, by id; hands in it are those of this frame.
        record : FrameRecord
            Gets the stage times "angles", "smoothing" and, with hands, "hands".
        settings_version : int
        """
        for estimate in people.values():
            if estimate.hands:
                self.add_hands(frame, estimate, record.stage_ms.get("hands", math.nan))
        for id in people.keys() - self._people.keys():
            self._people[id] = self._new_person(id)
        if self._early is not None and people:
            poses = {id: self._people[id].body(frame, estimate) for id, estimate in people.items()}
            self._give_hands(*self._early, poses)
            self._early = None
        record.stage_ms |= {"angles": 0.0, "smoothing": 0.0}
        built = [p.build(frame, people.get(id), record.stage_ms) for id, p in sorted(self._people.items())]
        shown = tuple(person for person in built if person is not None)
        if shown and self.followed_id not in self._people:
            self._follow(shown[0].id, frame.times.t_capture_s)
        self.wrists_visible = any(visible_wrists(person.raw, frame.source_size_px).any() for person in shown)
        record.state = FrameState.PROCESSED
        return PoseResult(
            seq=frame.seq,
            source_size_px=frame.source_size_px,
            people=shown,
            followed_id=self.followed_id,
            n_angles=len(self.angle_names),
            settings_version=settings_version,
            record=record,
        )

    def _new_person(self, id: int) -> PersonBuilder:
        return PersonBuilder(id, self.settings, self.angle_names, self._clock)


def people_of(estimate: Estimate) -> dict[int, Estimate]:
    """Return the people of an estimator that follows one person: number 1, or nobody."""
    return {1: estimate} if estimate.pose_xyz is not None or estimate.hands else {}
