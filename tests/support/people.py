"""People without pictures: measurements of stick figures, stepped by hand through the tracker."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from livedance_lab.estimators.base import MeasuredPerson, Region
from livedance_lab.pipeline.people.appearance import Appearance
from livedance_lab.pipeline.people.geometry import same_body, same_place
from livedance_lab.pipeline.people.measurement import Observation
from livedance_lab.pipeline.people.tracker import PeopleTracker, PersonEvent
from livedance_lab.skeletons import BLAZEPOSE_33

SIZE_PX = 400.0
STEP_S = 1 / 30

_PLACES = {
    "shoulder": (0.08, -0.22), "elbow": (0.12, -0.1), "wrist": (0.14, 0.02), "hip": (0.05, 0.0), "knee": (0.06, 0.2),
    "ankle": (0.06, 0.38),
}  # fmt: skip


def figure(x_px: float, y_px: float = 300.0, size_px: float = SIZE_PX, score: float = 0.9) -> MeasuredPerson:
    """A standing person whose hips are at a place."""
    px = np.zeros((33, 3), np.float32)
    for k, name in enumerate(BLAZEPOSE_33.landmarks):
        side = 1 if name.startswith("left") else -1
        across, down = _PLACES.get(name.split("_")[-1], (0.02, -0.35))
        px[k, :2] = (x_px + side * across * size_px, y_px + down * size_px)
    ones = np.ones(33, np.float32)
    return MeasuredPerson(px, px / 1000, ones, ones, score, Region(x_px, y_px, size_px, 0.0))


def clothes(colour: int, also: int | None = None) -> Appearance:
    """Clothes of one colour, or half of another one."""
    parts = np.zeros((4, 216), np.float32)
    parts[:, colour] += 0.5
    parts[:, colour if also is None else also] += 0.5
    return Appearance(parts)


class Stage:
    """People on a stage, a tracker that watches them, and who was whom.

    `people` are (x, size, clothes) by any name. Each region shows the body that is nearest to its middle, so a region
    slides onto somebody else as with the network. The detector finds every body that no other one hides.
    """

    def __init__(self, max_people: int = 2, **options: float) -> None:
        self.tracker = PeopleTracker(max_people, **options)
        self.t_s = 0.0
        self.events: list[PersonEvent] = []
        self.detections = 0

    def step(
        self, people: Mapping[str, tuple[float, float, Appearance]], hidden: tuple[str, ...] = ()
    ) -> dict[str, int]:
        """One picture; return the id of everybody who was found."""
        self.t_s += STEP_S
        bodies = {name: (figure(x, size_px=size), worn) for name, (x, size, worn) in people.items()
                  if name not in hidden}  # fmt: skip
        seen = []
        for trail, region in self.tracker.regions(self.t_s).items():
            near = [(abs(body.next_region.x_px - region.x_px), name) for name, (body, _) in bodies.items()]
            if near and min(near)[0] < 0.3 * SIZE_PX:
                seen.append(Observation(*bodies[min(near)[1]], trail))
        detected = self.tracker.wants_detection(self.t_s)
        self.detections += detected
        for body, worn in bodies.values() if detected else ():
            if not any(same_place(body.next_region, o.person.next_region) or same_body(body, o.person) for o in seen):
                seen.append(Observation(body, worn))
        found = self.tracker.update(self.t_s, seen, detected=detected)
        self.events += self.tracker.take_events()
        return {name: one.id for one in found for name, (body, _) in bodies.items() if one.person is body}

    def named(self, name: str) -> list[tuple[int, ...]]:
        """Ids of the events of a name."""
        return [event.ids for event in self.events if event.name == name]
