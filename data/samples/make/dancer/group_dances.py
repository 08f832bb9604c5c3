"""Choreographies for two and three dancers who cross, turn, hide each other, leave and return.

A dancer in front is about 2.7 m from the camera and one at the back 4 m, so that the front one can
hide the other; the bodies stay an arm's length apart.
"""

from dancer.controls import Segment
from dancer.first_dance import FIRST
from dancer.second_dance import SECOND
from dancer.stage import Path, Phrase, staged


def _groove(first_s: float, on_from_s: float) -> tuple[Phrase, ...]:
    """The first dance's groove, repeated; the last repeat begins at or before `on_from_s` and goes on into the dance.

    The two seconds from 1.8 s on repeat without a seam; `first_s` says where in them to begin.
    """
    starts_s = [1.8 - first_s]
    while starts_s[-1] + 2 <= on_from_s:
        starts_s.append(starts_s[-1] + 2)
    return tuple(Phrase(t, FIRST, 1.8) for t in starts_s)


_PUNCHES = (Phrase(0.0, SECOND, 5.2, 0.85),)  # the second dance from its first steps to its end, a little slower

_DUET_SEGMENTS = (
    Segment("groove", 0.0, 0.4),
    Segment("cross", 0.4, 2.6),
    Segment("change_depth", 2.6, 4.2),
    Segment("hide_and_swap", 4.2, 7.2),
    Segment("leave", 7.2, 9.0),
    Segment("return", 9.0, 11.0),
)
# fmt: off
DUET = (
    staged(
        _DUET_SEGMENTS,
        Path(
            places=(
                (0.4, -0.80, 0.10), (2.5, 0.90, 0.15), (2.7, 0.90, 0.15), (4.1, 0.80, -1.05), (4.3, 0.80, -1.05),
                (5.4, -0.37, -1.05), (6.4, -0.37, -1.05), (7.6, -1.20, -0.95),
            ),
            headings=(
                (0.2, 0), (0.8, 70), (2.3, 70), (3.9, 360), (4.2, 360), (4.7, 295), (5.2, 295), (5.6, 360), (6.2, 360),
                (6.6, 300), (7.3, 300), (7.8, 360),
            ),
        ),
        _groove(1.8, 8.0),
    ),
    staged(
        _DUET_SEGMENTS,
        Path(
            places=(
                (0.4, 0.80, -0.95), (2.5, -0.90, -0.95), (2.7, -0.90, -0.95), (4.2, -0.75, 0.30), (4.4, -0.75, 0.30),
                (5.4, -0.24, 0.30), (6.5, -0.24, 0.30), (8.6, 2.30, 0.20), (9.2, 2.30, 0.20), (10.8, 0.75, 0.10),
            ),
            headings=(
                (0.2, 0), (0.8, -70), (2.3, -70), (2.9, 0), (4.3, 0), (5.2, 180), (5.8, 180), (6.7, 430), (8.3, 430),
                (9.0, 280), (10.2, 280), (10.8, 360),
            ),
        ),
        _PUNCHES,
    ),
)

# the same groove for both, one half of it apart
DUET_COSTUME = (
    staged(
        _DUET_SEGMENTS,
        Path(
            places=(
                (0.4, 0.85, -1.00), (2.5, -0.95, -1.00), (2.7, -0.95, -1.00), (4.2, -0.65, 0.30), (4.4, -0.65, 0.30),
                (5.3, 0.10, 0.30), (6.3, 0.10, 0.30), (7.4, 0.80, 0.10), (8.2, 0.80, 0.10), (9.8, 0.05, 0.20),
            ),
            headings=(
                (0.2, 0), (0.8, -70), (2.2, -70), (3.4, -360), (4.3, -360), (5.1, -180), (6.0, -180), (6.7, -290),
                (7.1, -290), (7.6, -360), (8.1, -360), (8.5, -425), (9.4, -425), (9.9, -360),
            ),
        ),
        _groove(2.8, 7.0),
    ),
    staged(
        _DUET_SEGMENTS,
        Path(
            places=(
                (0.4, -0.85, 0.25), (2.5, 0.85, 0.25), (2.7, 0.85, 0.25), (4.1, 0.95, -1.05), (4.2, 0.95, -1.05),
                (5.3, 0.15, -1.05), (6.3, 0.15, -1.05), (7.3, -0.85, -1.00), (7.4, -0.85, -1.00), (9.0, -2.50, -0.30),
                (9.2, -2.50, -0.30), (10.8, -1.10, -0.40),
            ),
            headings=(
                (0.2, 0), (0.8, 70), (2.2, 70), (2.9, 180), (3.6, 180), (4.4, 290), (5.0, 290), (5.5, 360), (6.1, 360),
                (6.5, 290), (8.8, 290), (9.3, 430), (10.3, 430), (10.8, 360),
            ),
        ),
        _groove(1.8, 6.0),
    ),
)

_TRIO_SEGMENTS = (
    Segment("groove", 0.0, 0.4),
    Segment("cross", 0.4, 2.8),
    Segment("hide", 2.8, 5.6),
    Segment("leave", 5.6, 7.6),
    Segment("cross_again", 7.6, 10.5),
)
TRIO = (
    staged(
        _TRIO_SEGMENTS,
        Path(
            places=(
                (0.4, -1.20, -1.18), (2.6, 1.20, -1.18), (2.9, 1.20, -1.18), (4.3, 1.05, -0.30), (5.5, 1.05, -0.30),
                (7.1, 2.55, -0.30), (7.7, 2.55, -0.30), (9.4, 1.00, -0.35),
            ),
            headings=(
                (0.2, 0), (0.8, 70), (2.3, 70), (2.9, 0), (3.8, 0), (5.2, 360), (5.4, 360), (5.9, 430), (7.0, 430),
                (7.6, 285), (8.9, 285), (9.5, 360),
            ),
        ),
        _groove(1.8, 8.0),
    ),
    staged(
        _TRIO_SEGMENTS,
        Path(
            places=((7.6, 0.0, 0.30), (9.5, -0.95, 0.20)),
            headings=(
                (2.8, 0), (4.0, 180), (5.2, 180), (6.6, 360), (7.4, 360), (7.9, 295), (9.1, 295), (9.6, 360),
            ),
        ),
        _PUNCHES,
    ),
    staged(
        _TRIO_SEGMENTS,
        Path(
            places=(
                (0.4, 1.15, -0.43), (2.6, -1.15, -0.43), (3.0, -1.15, -0.43), (4.4, 0.0, -0.85), (5.7, 0.0, -0.85),
                (7.1, -1.10, -0.80), (7.6, -1.10, -0.80), (9.6, 0.30, -0.90),
            ),
            headings=(
                (0.2, 0), (0.8, -70), (2.3, -70), (3.2, 70), (4.1, 70), (4.6, 0), (5.4, 0), (5.8, -70), (6.7, -70),
                (7.8, 70), (9.1, 70), (9.7, 0),
            ),
        ),
        _groove(2.8, 7.0),
    ),
)
# fmt: on
