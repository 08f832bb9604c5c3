"""The models: where they come from, and the folder they are kept in.

MediaPipe's wheels hold none, so they are assembled from published, checksummed parts on first use::

    path = model_store.ensure("pose", complexity=1)

`livedance models list|fetch|verify` is the same from the command line.
"""

from livedance_lab.estimators.model_store.catalogue import CATALOGUE, Model, Part
from livedance_lab.estimators.model_store.fetch import Progress
from livedance_lab.estimators.model_store.store import (
    FOLDER_VARIABLE,
    ModelStatus,
    ensure,
    folder,
    is_here,
    published,
    sha256_of,
    verify,
)

__all__ = ["CATALOGUE", "FOLDER_VARIABLE", "Model", "ModelStatus", "Part", "Progress", "catalogue", "ensure", "folder",
           "is_here", "published", "sha256_of", "verify"]  # fmt: skip


def catalogue() -> tuple[Model, ...]:
    """All models there are."""
    return CATALOGUE
