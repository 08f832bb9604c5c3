"""A session's tables, live, recorded or from a batch run: schemas, log, arrays, DataFrames, recordings."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.session_data.data import SessionData
    from livedance_lab.session_data.people_edits import name_people, relabel_people
    from livedance_lab.session_data.recording.overview import recording_overview
    from livedance_lab.session_data.recording.reader import Recording
    from livedance_lab.session_data.resmoothing import resmooth
    from livedance_lab.session_data.summary import summarise
else:
    __getattr__, __dir__ = lazy_names(__name__, {
        "data": ("SessionData",), "people_edits": ("name_people", "relabel_people"),
        "recording.overview": ("recording_overview",), "recording.reader": ("Recording",),
        "resmoothing": ("resmooth",), "summary": ("summarise",)})  # fmt: skip

__all__ = ["Recording", "SessionData", "name_people", "recording_overview", "relabel_people", "resmooth", "summarise"]
