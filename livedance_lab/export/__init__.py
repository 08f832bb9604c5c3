"""Writes sessions in the formats of other tools, at their true times.

`export` is the function; `FORMATS` lists the formats. Each family of formats is a module of its own, which alone
imports the library it needs, when it is used.
"""

from typing import TYPE_CHECKING

from livedance_lab._lazy import lazy_names

if TYPE_CHECKING:
    from livedance_lab.export.formats import FORMATS, export
    from livedance_lab.export.options import ExportOptions
else:
    __getattr__, __dir__ = lazy_names(__name__, {"formats": ("FORMATS", "export"), "options": ("ExportOptions",)})

__all__ = ["FORMATS", "ExportOptions", "export"]
