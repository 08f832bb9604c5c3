"""The meaning and unit of every column of the exported tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from livedance_lab.analysis.angle_definitions import ANGLES
from livedance_lab.session_data.angle_tables import VIEWS

__all__ = ["dictionary"]

_CLOCK = "server's monotonic clock; manifest.json says which wall time its zero is"

_SMOOTHED = r"(?P<smooth>_smooth)?"
_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("session_id", "", "which session"),
    ("seq", "", "number of the captured frame, from 0; the same in every table"),
    ("person", "", "number of the person, from 1, never used for a second person; empty if the frame shows nobody"),
    ("keypoint", "", "name of the landmark; hands as left_hand_..., right_hand_..."),
    ("state", "", "how the frame ended: processed, superseded, client_skipped, late, rejected, failed or lost"),
    ("reason", "", "why it was rejected or failed"),
    ("bytes_up", "byte", "size of the message that brought the frame; 0 if it never arrived"),
    ("t_capture_s", "s", f"camera frame captured ({_CLOCK})"),
    ("t_send_s", "s", "sent by the client"),
    ("t_receive_s", "s", "received by the server"),
    ("t_infer_start_s", "s", "inference began"),
    ("t_infer_end_s", "s", "inference ended"),
    ("t_emit_s", "s", "result left the server"),
    ("t_result_s", "s", "result reached the client"),
    ("t_paint_s", "s", "result was painted"),
    ("t_s", "s", f"when the event happened ({_CLOCK})"),
    ("kind", "", "kind of event: session, settings, clock, mark, error, ..."),
    ("name", "", "name of the event or marker"),
    ("data", "", "details of the event, JSON"),
    ("age_ms", "ms", "age of the result when it left the server: t_emit_s - t_capture_s"),
    ("client_age_ms", "ms", "age of the result when it reached the client: t_result_s - t_capture_s"),
    ("paint_age_ms", "ms", "age of the result when it was painted: t_paint_s - t_capture_s"),
    (r"(\w+)_ms", "ms", "time the step took; empty if it did not run"),
    ("width_px|height_px", "px", "size of the original frame"),
    ("found", "", "whether a person was seen"),
    ("score", "0..1", "certainty of the model that it sees a person; empty if it does not say"),
    ("hands_seq", "", "frame the hands were seen in; -1 when there are none"),
    ("settings_version", "", "version of the settings; see the events of kind settings"),
    (rf"(\w+_)?[xyz]{_SMOOTHED}_px", "px", "image landmark in pixels of the original frame: x right, y down, z on the "
     "scale of x, towards the camera negative"),
    (rf"(\w+_)?[xyz]{_SMOOTHED}_m", "m", "world landmark: x right in the image, y down, z away from the camera; origin "
     "mid-hip (hands: the hand's centre)"),
    (r"(\w+_)?visibility", "0..1", "likelihood that the landmark is in the image and not hidden; body only"),
    (r"(\w+_)?presence", "0..1", "likelihood that the landmark is in the image; body only"),
    (r"\w+_hand_score", "0..1", "certainty of which hand it is"),
    ("flag", "", "where the smoothed value comes from: measured, low_visibility, held, interpolated, predicted, "
     "missing"),
    (r"\w+_flag", "", "the same, as a number: 0 measured, 1 low visibility, 2 held, 3 interpolated, 4 predicted, "
     "5 missing"),
    ("table|column|unit|meaning", "", "of this dictionary"),
)  # fmt: skip


def dictionary(columns: Mapping[str, Sequence[str]], angle_names: Sequence[str]) -> pd.DataFrame:
    """Return rows of `table, column, unit, meaning` for every column of every table.

    Parameters
    ----------
    columns : mapping of str to sequence of str
        Table name and its columns.
    angle_names : sequence of str
        The columns that are joint angles.

    Raises
    ------
    KeyError
        If a column has no meaning yet: add it here.
    """
    rows = [(t, name, *_meaning(name, angle_names)) for t, names in columns.items() for name in names]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def _meaning(column: str, angle_names: Sequence[str]) -> tuple[str, str]:
    angle = re.sub("_(smooth|view)$", "", column)
    if angle in angle_names:
        if column.endswith("_view"):
            return "", f"how well the camera saw {angle}: {', '.join(VIEWS)}"
        after = ", smoothed" if column.endswith("_smooth") else ""
        return "deg", f"joint angle{after}{_about(angle)}; empty when a landmark is missing or not visible enough"
    for pattern, unit, meaning in _COLUMNS:
        match = re.fullmatch(pattern, column)
        if match:
            return unit, meaning + (", smoothed" if match.groupdict().get("smooth") else "")
    raise KeyError(f"the column {column!r} has no entry in the data dictionary.")


def _about(angle: str) -> str:
    """Describe an angle: its landmarks, what 0 means, and the positive direction."""
    if angle not in ANGLES:
        return ""
    definition = ANGLES[angle]
    space = "in space" if definition.dimensions == 3 else "in the picture"
    way = definition.sign if definition.sign == "unsigned" else f"positive: {definition.sign}"
    return f", {space}, of {' - '.join(definition.landmarks)} (0: {definition.zero}; {way})"
