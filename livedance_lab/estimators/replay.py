"""Known landmarks instead of estimated ones: images that carry landmarks, and the estimator that reads them back.

A recorded session is replayed through the same path as camera images (wire, slot, decoding) without a model, so that
the result equals the recording bit for bit. The image is a small PNG whose pixels are the bytes of the arrays:

======  ====  =====================================================
offset  type  field (little-endian)
======  ====  =====================================================
0       4s    magic ``LDLM``
4       u8    version, 1
5       u8    flags: 1 normalised, 2 pose_xyz, 4 pose_world_m,
              8 visibility, 16 presence
6       u8    number of hands
7       u8    0
8       u32   bytes of the arrays that follow
12      u32   CRC-32 of them
16      f32   the arrays that the flags name, in that order; then for each hand:
              side (0 left, 1 right), score, xyz, world_m
======  ====  =====================================================
"""

from __future__ import annotations

import struct
import time
import zlib
from typing import Any

import numpy as np

from livedance_lab.errors import EstimatorError, ShapeError
from livedance_lab.estimators.base import Estimate, Estimator, HandEstimate, ImageArray, register
from livedance_lab.media import images
from livedance_lab.pose import FloatArray
from livedance_lab.settings import Settings
from livedance_lab.skeletons import BLAZEPOSE_33, HAND_21, HAND_SIDES

__all__ = ["ReplayEstimator", "encode_estimate", "make"]

_HEADER = struct.Struct("<4sBBBxII")
_MAGIC, _VERSION, _NORMALISED = b"LDLM", 1, 1
_K, _J = len(BLAZEPOSE_33), len(HAND_21)
_POSE = {"pose_xyz": (2, (_K, 3)), "pose_world_m": (4, (_K, 3)), "visibility": (8, (_K,)), "presence": (16, (_K,))}
_ROW_BYTES = 32 * 3  # 32 pixels wide: smaller than any short side, so that no step reduces it
_KINDS = ("pose", "hands", "both")


def encode_estimate(estimate: Estimate) -> bytes:
    """An image (PNG) that carries an estimate without loss.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    bytes
        Can be sent like any camera image. Its size in pixels has no meaning: send the original frame's size with it.

    Raises
    ------
    ShapeError
        If an array does not have the shape that `Estimate` documents.
    """
    flags = _NORMALISED if estimate.normalised else 0
    arrays: list[bytes] = []
    for name, (flag, shape) in _POSE.items():
        values = getattr(estimate, name)
        if values is not None:
            flags |= flag
            arrays.append(_bytes(name, values, shape))
    for hand in estimate.hands:
        if hand.side not in HAND_SIDES:
            raise ShapeError(f"a hand's side is one of {', '.join(HAND_SIDES)}; got {hand.side!r}.")
        head = np.array([HAND_SIDES.index(hand.side), hand.score], np.float32)
        arrays += [_bytes("side and score", head, (2,)), _bytes("hand xyz", hand.xyz, (_J, 3)),
                   _bytes("hand world_m", hand.world_m, (_J, 3))]  # fmt: skip
    body = b"".join(arrays)
    content = _HEADER.pack(_MAGIC, _VERSION, flags, len(estimate.hands), len(body), zlib.crc32(body)) + body
    content += b"\0" * (-len(content) % _ROW_BYTES)
    return images.encode_png(np.frombuffer(content, np.uint8).reshape(-1, _ROW_BYTES // 3, 3))


def _bytes(name: str, values: FloatArray, shape: tuple[int, ...]) -> bytes:
    if values.shape != shape:
        raise ShapeError(f"{name} must have shape {shape}, got {values.shape}.")
    return values.astype("<f4", copy=False).tobytes()


class ReplayEstimator:
    """Reads the landmarks from images made by `encode_estimate`.

    Parameters
    ----------
    kind : str
        "pose", "hands" or "both": which part of the image's content is returned.
    delay_ms : float, default 0
        Duration of each call in addition to decoding; the call sleeps and uses no core.

    Raises
    ------
    EstimatorError
        If the kind is unknown.
    """

    def __init__(self, kind: str = "both", delay_ms: float = 0.0) -> None:
        if kind not in _KINDS:
            raise EstimatorError(f"an estimator finds {', '.join(_KINDS)}; got {kind!r}.")
        if not delay_ms >= 0:
            raise EstimatorError(f"delay_ms must be >= 0, got {delay_ms!r}.")
        self._kind, self._delay_s = kind, delay_ms / 1000

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:  # noqa: ARG002  (one signature for all)
        """The landmarks in the image.

        Parameters
        ----------
        image_rgb : ndarray of shape (H, W, 3), uint8
        t_ms : int
            Not used.

        Returns
        -------
        Estimate
            Bit for bit what was encoded, limited to the parts of this estimator's kind.

        Raises
        ------
        EstimatorError
            If the image was not made by `encode_estimate`, or is damaged.
        """
        if self._delay_s:
            time.sleep(self._delay_s)
        flags, hands, body = _unpack(image_rgb)
        values = _Reader(body)
        pose: dict[str, Any] = {name: values.take(*shape) for name, (flag, shape) in _POSE.items() if flags & flag}
        found = tuple(_hand(values) for _ in range(hands))
        return Estimate(
            **(pose if self._kind != "hands" else {}),
            hands=found if self._kind != "pose" else (),
            normalised=bool(flags & _NORMALISED),
        )

    def close(self) -> None:
        """Nothing to free."""


def make(kind: str, settings: Settings) -> Estimator:  # noqa: ARG001  (recorded landmarks depend on no setting)
    """A replay estimator of a kind."""
    return ReplayEstimator(kind)


class _Reader:
    """Reads consecutive arrays from a flat one."""

    def __init__(self, values: FloatArray) -> None:
        self._values, self._at = values, 0

    def take(self, *shape: int) -> FloatArray:
        size = int(np.prod(shape))
        part = self._values[self._at : self._at + size]
        if part.size != size:
            raise EstimatorError("the picture's header promises more landmarks than it carries.")
        self._at += size
        return part.reshape(shape)


def _hand(values: _Reader) -> HandEstimate:
    side, score = values.take(2)
    if side not in range(len(HAND_SIDES)):
        raise EstimatorError(f"a hand's side is 0 or 1 in a picture of landmarks, got {side}.")
    return HandEstimate(HAND_SIDES[int(side)], float(score), values.take(_J, 3), values.take(_J, 3))


def _unpack(image_rgb: ImageArray) -> tuple[int, int, FloatArray]:
    """Flags, number of hands, and the arrays as one flat array."""
    content = np.ascontiguousarray(image_rgb).tobytes()
    if len(content) < _HEADER.size or not content.startswith(_MAGIC):
        raise EstimatorError("this is an ordinary picture; the replay estimator reads those of `encode_estimate`.")
    _, version, flags, hands, size, crc = _HEADER.unpack_from(content)
    if version != _VERSION:
        raise EstimatorError(f"pictures of landmarks have version {_VERSION}, got {version}.")
    body = content[_HEADER.size : _HEADER.size + size]
    if len(body) != size or zlib.crc32(body) != crc:
        raise EstimatorError("the picture of landmarks was changed on its way: was it sent as JPEG, or resized?")
    return flags, hands, np.frombuffer(body, "<f4").astype(np.float32)


register("replay", make)
