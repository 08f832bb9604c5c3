"""Runs TFLite networks with LiteRT; the only user of `ai_edge_litert`.

LiteRT is TensorFlow Lite's runtime under its present name. Each network runs on the CPU with the XNNPACK kernels that
MediaPipe's Tasks API uses too, so equal inputs give equal outputs. The wheels that `pyproject.toml` allows contain no
network client (`tests/contract/test_litert_pin.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from livedance_lab.errors import EstimatorError
from livedance_lab.pose import FloatArray

__all__ = ["Network"]


class Network:
    """One TFLite network with one input, ready to run.

    It keeps buffers, so only one thread may use it at a time. The interpreter lock is free while it runs.

    Parameters
    ----------
    content : bytes
        The TFLite flatbuffer.
    threads : int, default 1
        Number of threads of one run.

    Attributes
    ----------
    input_shape : tuple of int
    output_shapes : tuple of tuple of int
        In the network's order. An output that stands twice in the network's list stands here twice, too.

    Raises
    ------
    EstimatorError
        If LiteRT cannot be imported or refuses the network.
    """

    def __init__(self, content: bytes, threads: int = 1) -> None:
        interpreter = _interpreter_class()
        try:
            self._interpreter = interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
            (given,), outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError, TypeError) as exc:
            raise EstimatorError(f"LiteRT cannot use this network: {exc}.") from exc
        self._input: int = given["index"]
        self._outputs: list[int] = [output["index"] for output in outputs]
        self.input_shape = tuple(int(n) for n in given["shape"])
        self.output_shapes = tuple(tuple(int(n) for n in output["shape"]) for output in outputs)

    def __call__(self, values: FloatArray) -> list[FloatArray]:
        """Run the network once.

        Parameters
        ----------
        values : ndarray of shape `input_shape`, float32

        Returns
        -------
        list of ndarray, float32
            The outputs, as copies.

        Raises
        ------
        EstimatorError
            If the input does not fit, or the run fails.
        """
        try:
            self._interpreter.set_tensor(self._input, values)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]
        except (ValueError, RuntimeError) as exc:
            raise EstimatorError(f"LiteRT failed with an input of shape {np.shape(values)}: {exc}.") from exc


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except (ImportError, OSError) as exc:  # OSError: its shared library cannot be loaded
        raise EstimatorError(
            f"LiteRT cannot be imported: {exc}. Try: pip install 'ai-edge-litert>=2.3,<2.4'; where it has no wheel "
            "(Macs with Intel processors), use the estimator mediapipe."
        ) from exc
    return Interpreter
