"""Fetches, verifies and stores the models.

MediaPipe's wheels contain none, so each model is assembled on first use from published parts with known checksums::

    path = model_store.ensure("pose", complexity=1)

``livedance models list|fetch|verify`` does the same from the command line.
"""

from livedance_lab.estimators.model_store.catalogue import CATALOGUE, Model, Part
from livedance_lab.estimators.model_store.fetch import Progress
from livedance_lab.estimators.model_store.store import (
    FOLDER_VARIABLE,
    ModelStatus,
    ensure,
    folder,
    is_stored,
    sha256_of,
    upstream_bundle,
    verify,
)

__all__ = ["CATALOGUE", "FOLDER_VARIABLE", "Model", "ModelStatus", "Part", "Progress", "catalogue", "ensure", "folder",
           "is_stored", "sha256_of", "upstream_bundle", "verify"]  # fmt: skip


def catalogue() -> tuple[Model, ...]:
    """All models that the store knows."""
    return CATALOGUE
