"""Keeps the identities of several people from picture to picture; no model inside, and no clock.

A *trail* is one body followed from picture to picture by its region: it knows where the body is, how fast it moves and
its colours of the last few pictures. An *identity* is who that is: an id that stays through crossings and short
absences, with the colours of the whole session so far. After each picture trails and identities are paired anew at
least cost: colours count, and so does that a trail belonged to the identity before.

Identities are present (with a trail), lost (without one, for at most `return_within_s`) or gone. A trail without an
identity is tentative until it was seen in a few pictures. When two trails lie on one body, because one person hides
the other, the trail that fits better stays and the other ends; whoever comes out again is found by the detector and
paired by colours, place and the time since.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from livedance_lab.estimators.base import MeasuredPerson, Region
from livedance_lab.pipeline.people import geometry
from livedance_lab.pipeline.people.appearance import Appearance, blended, similarity
from livedance_lab.pipeline.people.assignment import least_cost_pairs
from livedance_lab.pipeline.people.measurement import Observation
from livedance_lab.pose import FloatArray

__all__ = ["PeopleTracker", "PersonEvent", "TrackedPerson"]

_CONFIRM_AFTER: Final = 2  # pictures in which a new person must be seen
_LEFT_AFTER_S: Final = 0.5  # a shorter absence is no event
_SEARCHES: Final = ((1.0, 0.0), (3.0, 0.08), (math.inf, 0.25))
"""Time between detections, by how long ago somebody was last seen who is missing now: until 1 s in every picture, which
costs no more than following that person; the last one holds while somebody new may come. Seconds."""
_VELOCITY_S: Final = 0.15  # time constant of the velocity
_LONGEST_PREDICTION_S: Final = 0.3
_RECENT: Final = 0.3  # weight of a new picture in a trail's colours
_LASTING: Final = 0.04  # and in an identity's
# costs: a pair that costs more than _MOST is not made
_MOST: Final = 1.0
_COLOURS: Final = 2.5  # of colours that have nothing in common
_SAME_TRAIL: Final = 0.9  # most that an identity costs on its own trail: when the light changes, everybody stays
_OTHER_TRAIL: Final = 0.22  # of an identity that leaves its trail for another one
_DISTANCE: Final = 0.4  # of one body size beyond what the person can have moved
_SPEED: Final = 1.5  # body sizes per second that a person who is not seen may move
_UNCERTAIN: Final = 0.1  # two pairings whose costs differ by less are a guess


@dataclass(frozen=True)
class TrackedPerson:
    """A person of one picture with their id."""

    id: int
    person: MeasuredPerson


@dataclass(frozen=True)
class PersonEvent:
    """Something that happened to an identity.

    Attributes
    ----------
    t_s : float
        Capture time of the picture.
    name : str
        "person appeared", "person left", "person returned" or "identity uncertain".
    ids : tuple of int
        The person's; for "identity uncertain" the one that was chosen, then the one it could also be.
    """

    t_s: float
    name: str
    ids: tuple[int, ...]

    @property
    def data(self) -> dict[str, int]:
        """The ids by their roles, as events are logged."""
        return dict(zip(("person", "or"), self.ids, strict=False))


@dataclass
class _Trail:
    person: MeasuredPerson
    colours: Appearance
    t_s: float
    speed_px_s: FloatArray = field(default_factory=lambda: np.zeros(2))
    seen: int = 1
    identity: _Identity | None = None

    def moved_px(self, t_s: float) -> FloatArray:
        """How far the body will have moved at a time, at constant velocity."""
        return self.speed_px_s * min(max(t_s - self.t_s, 0.0), _LONGEST_PREDICTION_S)

    def follow(self, observation: Observation, t_s: float) -> None:
        """Go on with a new measurement of the same body."""
        dt_s = t_s - self.t_s
        if dt_s > 0:
            step = (geometry.centre_px(observation.person) - geometry.centre_px(self.person)) / dt_s
            self.speed_px_s = self.speed_px_s + (1 - math.exp(-dt_s / _VELOCITY_S)) * (step - self.speed_px_s)
        self.person, self.t_s, self.seen = observation.person, t_s, self.seen + 1
        self.colours = blended(self.colours, observation.appearance, _RECENT)


@dataclass
class _Identity:
    id: int
    colours: Appearance
    last: MeasuredPerson
    t_s: float
    left: bool = False  # whether that was announced
    doubted: set[int] = field(default_factory=set)  # ids that it may have been confused with, not announced yet


class PeopleTracker:
    """The identities of one session.

    Parameters
    ----------
    max_people : int
        No more are followed at a time, from 1.
    return_within_s : float, default 10
        A person who returns within this time gets their id back.
    """

    def __init__(self, max_people: int, return_within_s: float = 10.0) -> None:
        self.max_people, self.return_within_s = max_people, return_within_s
        self._trails: dict[int, _Trail] = {}
        self._identities: dict[int, _Identity] = {}
        self._next_trail = self._next_id = 1
        self._detected_s = -math.inf
        self._t_s = -math.inf
        self._events: list[PersonEvent] = []

    @property
    def known_ids(self) -> frozenset[int]:
        """Everybody who is there or may return; other ids are not used again."""
        return frozenset(self._identities)

    def regions(self, t_s: float) -> dict[int, Region]:
        """Where to look for the people who are followed, in a picture of a time; by trail, the nearest person first."""
        near = sorted(self._trails, key=lambda key: -geometry.floor_px(self._trails[key].person))
        return {key: geometry.shifted(self._trails[key].person.next_region, self._trails[key].moved_px(t_s))
                for key in near}  # fmt: skip

    def wants_detection(self, t_s: float) -> bool:
        """Whether a picture should be searched for people who are not followed."""
        if len(self._trails) >= self.max_people:
            return False
        absent_s = min((t_s - i.t_s for i in self._identities.values() if i.t_s < self._t_s), default=math.inf)
        between_s = next(between_s for until_s, between_s in _SEARCHES if absent_s <= until_s)
        return not self._trails or t_s - self._detected_s >= between_s - 1e-6

    def update(
        self,
        t_s: float,
        observations: Sequence[Observation],
        *,
        detected: bool = False,
        searched: Collection[int] | None = None,
    ) -> list[TrackedPerson]:
        """Take what was measured in the next picture.

        Parameters
        ----------
        t_s : float
            Its capture time; later than that of the picture before.
        observations : sequence of Observation
        detected : bool, default False
            Whether the picture was searched by the detector.
        searched : collection of int, optional
            The trails whose regions were searched. The others stay as they are: lanes work side by side, and a trail
            may be younger than the work on this picture. Default: all.

        Returns
        -------
        list of TrackedPerson
            The people measured in this picture, by id.

        Raises
        ------
        ValueError
            If the time is not later.
        """
        if not t_s > self._t_s:
            raise ValueError(f"pictures come in capture order: {t_s!r} s is not after {self._t_s!r} s.")
        self._t_s = t_s
        if detected:
            self._detected_s = t_s
        self._continue_trails(observations, self._trails.keys() if searched is None else searched)
        self._begin_trails([o for o in observations if o.trail not in self._trails])
        self._identify()
        self._confirm()
        self._learn()
        self._forget()
        people = [TrackedPerson(trail.identity.id, trail.person)
                  for trail in self._trails.values() if trail.identity is not None and trail.t_s == t_s]  # fmt: skip
        return sorted(people, key=lambda person: person.id)

    def take_events(self) -> list[PersonEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def _continue_trails(self, observations: Sequence[Observation], searched: Collection[int]) -> None:
        """Move each trail to its measurement; end those without one, and all but one of those on one body."""
        found = {o.trail: o for o in observations if o.trail is not None and o.trail in self._trails}
        misfit = {key: self._misfit(self._trails[key], o) for key, o in found.items()}
        for key in sorted(found, key=lambda k: misfit[k]):
            rivals = [k for k in found if k != key and misfit[k] <= misfit[key]]
            same = [k for k in rivals if geometry.same_body(found[k].person, found[key].person)]
            if same and key in found:
                self._merge(self._trails[same[0]], self._trails[key], misfit[key] - misfit[same[0]])
                del found[key]
        for key in list(self._trails):
            if key in found:
                self._trails[key].follow(found[key], self._t_s)
            elif key in searched:
                del self._trails[key]

    def _misfit(self, trail: _Trail, observation: Observation) -> float:
        """How badly a measurement fits a trail: jump of the landmarks, and colours of the identity."""
        jump = geometry.pose_distance(trail.person, observation.person, trail.moved_px(self._t_s))
        if trail.identity is None:
            return jump + 1.0  # who is known stays, of two trails on one body
        return jump + _colour_cost(trail.identity.colours, observation.appearance)

    def _merge(self, stays: _Trail, ends: _Trail, margin: float) -> None:
        """Of two trails on one body one ends; where that is a guess, remember it."""
        if stays.identity is not None and ends.identity is not None and margin < _UNCERTAIN / 2:
            stays.identity.doubted.add(ends.identity.id)
            ends.identity.doubted.add(stays.identity.id)

    def _begin_trails(self, observations: Sequence[Observation]) -> None:
        for o in sorted(observations, key=lambda o: -o.person.score):
            same = [trail for trail in self._trails.values() if geometry.same_body(trail.person, o.person)]
            if same and same[0].t_s < self._t_s:  # a trail that was not searched in this picture
                same[0].follow(o, self._t_s)
            elif not same and len(self._trails) < self.max_people:
                self._trails[self._next_trail] = _Trail(o.person, o.appearance, self._t_s)
                self._next_trail += 1

    def _identify(self) -> None:
        """Pair trails with identities at least cost."""
        keys, known = list(self._trails), list(self._identities.values())
        if not keys or not known:
            return
        cost = np.array([[self._cost(self._trails[k], i) for i in known] for k in keys])
        pairs = {keys[row]: column for row, column in least_cost_pairs(cost, _MOST)}
        before = {key: self._trails[key].identity for key in keys}
        for key in keys:
            self._trails[key].identity = known[pairs[key]] if key in pairs else None
        for row, key in enumerate(keys):
            identity, other = self._trails[key].identity, before[key]
            if identity is not None and identity is not other:
                if other is not None:
                    identity.doubted.add(other.id)  # it was taken for somebody else until now
                self._taken(identity, cost[row], known)

    def _cost(self, trail: _Trail, identity: _Identity) -> float:
        colours = _colour_cost(identity.colours, trail.colours)
        if trail.identity is identity:
            return min(colours, _SAME_TRAIL)
        absent_s = self._t_s - identity.t_s
        reach = _SPEED * absent_s + 0.3
        away = geometry.centre_px(trail.person) - geometry.centre_px(identity.last)
        beyond = max(float(np.hypot(*away)) / geometry.size_px(identity.last) - reach, 0.0)
        grown = abs(math.log(geometry.size_px(trail.person) / geometry.size_px(identity.last)))
        return _OTHER_TRAIL + colours + _DISTANCE * beyond + 0.3 * max(grown - 0.3 - 0.3 * absent_s, 0.0)

    def _taken(self, identity: _Identity, costs: FloatArray, known: list[_Identity]) -> None:
        """An identity took over a trail: announce its return, and whether it may be somebody else."""
        if identity.left:
            self._say("person returned", identity.id)
            identity.left = False
        own = costs[known.index(identity)]
        free = {i.id: cost for i, cost in zip(known, costs, strict=True) if i is not identity and self._is_lost(i)}
        doubted = {id_ for id_, cost in free.items() if cost - own < _UNCERTAIN} | identity.doubted
        for other in sorted(doubted):
            self._say("identity uncertain", identity.id, other)
        for i in known:
            i.doubted -= {identity.id, *doubted}
        identity.doubted.clear()

    def _is_lost(self, identity: _Identity) -> bool:
        return all(trail.identity is not identity for trail in self._trails.values())

    def _confirm(self) -> None:
        """Give a new identity to trails that were seen often enough and are nobody known."""
        for trail in self._trails.values():
            if trail.identity is None and trail.seen >= _CONFIRM_AFTER:
                trail.identity = _Identity(self._next_id, trail.colours, trail.person, self._t_s)
                self._identities[self._next_id] = trail.identity
                self._say("person appeared", self._next_id)
                self._next_id += 1

    def _learn(self) -> None:
        """Bring identities up to date; colours only of people whom nobody can hide."""
        for trail in self._trails.values():
            identity = trail.identity
            if identity is None or trail.t_s < self._t_s:
                continue  # nobody, or not measured in this picture
            identity.last, identity.t_s = trail.person, trail.t_s
            others = [other.person.next_region for other in self._trails.values() if other is not trail]
            if all(geometry.far_apart(trail.person.next_region, region) for region in others):
                identity.colours = blended(identity.colours, trail.colours, _LASTING)

    def _forget(self) -> None:
        """Announce who left, and forget who will not return."""
        for identity in list(self._identities.values()):
            absent_s = self._t_s - identity.t_s
            if absent_s >= _LEFT_AFTER_S and not identity.left:
                identity.left = True
                self._say("person left", identity.id)
            if absent_s > self.return_within_s and self._is_lost(identity):  # its trail may not have been searched
                del self._identities[identity.id]

    def _say(self, name: str, *ids: int) -> None:
        self._events.append(PersonEvent(self._t_s, name, ids))


def _colour_cost(known: Appearance, seen: Appearance) -> float:
    alike = similarity(known, seen)
    return 0.5 * _COLOURS * 0.3 if math.isnan(alike) else _COLOURS * (1 - alike)
