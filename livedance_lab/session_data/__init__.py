"""A session's tables, live, recorded or from a batch run: schemas, log, arrays, DataFrames, recordings."""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.session_data.data import SessionData as SessionData
    from livedance_lab.session_data.recording.overview import recording_overview as recording_overview
    from livedance_lab.session_data.recording.reader import Recording as Recording
    from livedance_lab.session_data.resmoothing import resmooth as resmooth
    from livedance_lab.session_data.summary import summarise as summarise
else:
    __all__, __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Recording": "recording.reader",
            "SessionData": "data",
            "recording_overview": "recording.overview",
            "resmooth": "resmoothing",
            "summarise": "summary",
        },
    )
