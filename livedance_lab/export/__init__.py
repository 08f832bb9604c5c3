"""Sessions in the formats other tools read, without losing a millisecond.

`export` is the one function; `FORMATS` says what there is. Each family of formats is a module of its own,
imported when it is asked for, and the only place that knows its heavy library.
"""

from livedance_lab.export.formats import FORMATS, Format, export
from livedance_lab.export.options import ExportOptions

__all__ = ["FORMATS", "ExportOptions", "Format", "export"]
