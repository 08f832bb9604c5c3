"""Following several people: who is who from picture to picture, with no model inside.

`tracker` keeps the identities, `appearance` describes clothes, `geometry` compares bodies, `assignment` pairs them at
least cost, and `follower` is the loop over pictures: where to look, what was found, who it is.
"""

from livedance_lab.pipeline.people.follower import PeopleFollower
from livedance_lab.pipeline.people.tracker import Observation, PeopleTracker, PersonEvent, TrackedPerson

__all__ = ["Observation", "PeopleFollower", "PeopleTracker", "PersonEvent", "TrackedPerson"]
