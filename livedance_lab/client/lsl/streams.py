"""Describes the LSL streams: names, channels and units, in the layout of the XDF specification.

Source: XDF specification, "MoCap Meta Data" (github.com/sccn/xdf/wiki/MoCap-Meta-Data). It does not cover joint angles;
their channels have the type "Angle". The time of each sample is the capture time of its frame, from which no lag was
subtracted: `compensated_lag` is 0. The settings are those at the start of the bridge; later changes are in the
session's log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from livedance_lab.skeletons import BLAZEPOSE_33
from livedance_lab.wire.results import WireResult

__all__ = ["angle_stream", "marker_stream", "pose_sample", "pose_stream"]

_OBJECT = "person"
_POSITIONS = ("X", "Y", "Z")
_FRAME_OF_REFERENCE = "origin mid-hip, x right in the image, y down, z away from the camera"

Tree = Mapping[str, Any]


def pose_stream(lsl: Any, name: str, source_id: str, about: Tree) -> Any:
    """Describe the stream of the smoothed pose: per landmark three positions (labels end in ``_smooth``), confidence.

    Parameters
    ----------
    lsl : module
        pylsl.
    name, source_id : str
    about : dict
        The session's manifest.

    Returns
    -------
    pylsl.StreamInfo
        33 × 4 float32 channels, irregular rate.
    """
    channels = list(_pose_channels())
    info = lsl.StreamInfo(name, "MoCap", len(channels), lsl.IRREGULAR_RATE, lsl.cf_float32, source_id)
    setup = {"name": about["session_id"], "frame_of_reference": _FRAME_OF_REFERENCE}
    _describe(info, channels, about, setup)
    return info


def pose_sample(result: WireResult) -> list[float]:
    """Return a result as a sample of `pose_stream`; NaN where nothing was seen."""
    return [
        value
        for position_m, visibility in zip(result.world_m_smooth.tolist(), result.visibility.tolist(), strict=True)
        for value in (*position_m, visibility)
    ]


def angle_stream(lsl: Any, name: str, source_id: str, about: Tree) -> Any:
    """Describe the stream of smoothed joint angles (labels end in ``_smooth``), degrees, in the manifest's order.

    Parameters as for `pose_stream`.
    """
    channels = [
        {"label": f"{angle}_smooth", "marker": angle, "object": _OBJECT, "type": "Angle", "unit": "degrees"}
        for angle in about["angles"]
    ]
    info = lsl.StreamInfo(name, "MoCap", len(channels), lsl.IRREGULAR_RATE, lsl.cf_float32, source_id)
    _describe(info, channels, about, {"name": about["session_id"]})
    return info


def marker_stream(lsl: Any, name: str, source_id: str) -> Any:
    """Describe the stream of the session's marks."""
    info = lsl.StreamInfo(name, "Markers", 1, lsl.IRREGULAR_RATE, lsl.cf_string, source_id)
    _append(info.desc(), {"channels": {"channel": [{"label": "mark", "type": "Marker"}]}})
    return info


def _pose_channels() -> Iterator[Tree]:
    for landmark in BLAZEPOSE_33.landmarks:
        for axis in _POSITIONS:
            yield {"label": f"{landmark}_{axis.lower()}_smooth", "marker": landmark, "object": _OBJECT,
                   "type": f"Position{axis}", "unit": "meters"}  # fmt: skip
        yield {"label": f"{landmark}_confidence", "marker": landmark, "object": _OBJECT,
               "type": "Confidence", "unit": "normalized"}  # fmt: skip


def _describe(info: Any, channels: Sequence[Tree], about: Tree, setup: Tree) -> None:
    acquisition = {
        "manufacturer": "livedance_lab",
        "model": " + ".join([about["estimator"], *about["models"]]),
        "settings": {"livedance_lab": about["livedance_lab"], **about["settings"]},
        "compensated_lag": 0.0,
    }
    _append(info.desc(), {"channels": {"channel": channels}, "acquisition": acquisition, "setup": setup})


def _append(element: Any, tree: Tree) -> None:
    """Add a tree to an XML element: a dict is an element with children, a list repeats an element."""
    for name, value in tree.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                _append(element.append_child(name), item)
            else:
                element.append_child_value(name, str(item))
