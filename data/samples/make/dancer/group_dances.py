"""Choreographies for two and three dancers who cross, turn, hide each other, leave and return.

A dancer in front is about 2.8 m from the camera and one at the back 3.9 m, so that the front one
can hide the other; the bodies stay an arm's length apart.
"""

from dancer.controls import Segment
from dancer.first_dance import FIRST
from dancer.second_dance import SECOND
from dancer.stage import Path, Phrase, staged

_GROOVE_S = 1.8  # in the first dance: two seconds from here repeat without a seam


def _groove(until_s: int, then_s: float = _GROOVE_S) -> tuple[Phrase, ...]:
    """The first dance's groove up to an even second, then on from `then_s`."""
    return (*(Phrase(float(t), FIRST, _GROOVE_S) for t in range(0, until_s, 2)), Phrase(float(until_s), FIRST, then_s))


_DUET_SEGMENTS = (
    Segment("still", 0.0, 0.4),
    Segment("cross", 0.4, 2.6),
    Segment("change_depth", 2.6, 4.2),
    Segment("hide_and_swap", 4.2, 7.4),
    Segment("leave", 7.4, 9.0),
    Segment("return", 9.0, 11.0),
)
DUET = (
    staged(
        _DUET_SEGMENTS,
        Path(
            # fmt: off
            places=(
                (0.4, -0.80, 0.10),
                (2.5, 0.90, 0.15),
                (2.7, 0.90, 0.15),
                (4.1, 0.80, -0.95),
                (4.3, 0.80, -0.95),
                (5.6, -0.30, -0.95),
                (6.4, -0.38, -0.95),
                (7.6, -1.20, -0.95),
            ),
            headings=(
                (0.2, 0),
                (0.8, 70),
                (2.3, 70),
                (3.9, 360),
                (4.2, 360),
                (4.7, 295),
                (5.4, 295),
                (5.8, 360),
                (6.2, 360),
                (6.6, 300),
                (7.3, 300),
                (7.8, 360),
            ),
            # fmt: on
        ),
        _groove(8),
    ),
    staged(
        _DUET_SEGMENTS,
        Path(
            # fmt: off
            places=(
                (0.4, 0.80, -0.95),
                (2.5, -0.90, -0.95),
                (2.7, -0.90, -0.95),
                (4.2, -0.75, 0.20),
                (4.4, -0.75, 0.20),
                (5.4, -0.24, 0.20),
                (6.4, -0.24, 0.20),
                (8.5, 2.30, 0.20),
                (9.0, 2.30, 0.20),
                (10.7, 0.70, 0.10),
            ),
            headings=(
                (0.2, 0),
                (0.8, -70),
                (2.3, -70),
                (2.9, 0),
                (4.3, 0),
                (4.6, 30),
                (5.2, 180),
                (5.8, 180),
                (6.7, 430),
                (8.3, 430),
                (9.0, 280),
                (10.2, 280),
                (10.8, 360),
            ),
            # fmt: on
        ),
        (Phrase(0.0, SECOND, 5.2, 0.85),),
    ),
)
DUET_COSTUME = DUET
TRIO = (*DUET, DUET[0])
