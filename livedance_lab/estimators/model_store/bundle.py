"""Parts into a bundle: a stored zip of networks that all say how their input is normalised.

The Tasks API refuses a float network without ``NormalizationOptions`` metadata; MediaPipe's older wheels
kept those numbers in graph files instead. The buffer is added with the schema classes that MediaPipe ships.

The pose networks also draw the person's outline, which nothing here shows but every inference would pay for:
without that branch they take about 60 % of the time and 20 MB less memory, and every landmark stays the same to
the last bit.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from livedance_lab.estimators.model_store.catalogue import Model, Part

__all__ = ["RECIPE", "assemble", "with_input_normalisation", "without_output"]

RECIPE = 2
"""Raised when the same parts give another bundle, so that bundles made before are made again."""

_METADATA = "TFLITE_METADATA"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the zip epoch: the same parts must always give the same bytes


def assemble(model: Model, parts: Mapping[str, bytes], *, published: bool = False) -> bytes:
    """The ``.task`` bundle of a model.

    Parameters
    ----------
    model : Model
    parts : mapping of str to bytes
        Content of each part, by `Part.file`.
    published : bool, default False
        Keep outputs that nobody reads, as MediaPipe's own bundles do.

    Returns
    -------
    bytes
        A zip without compression, as the Tasks API maps its members from memory. Deterministic.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        for member, part in model.parts:
            info = zipfile.ZipInfo(member, _ZIP_TIME)
            info.create_system = 3  # else it tells on which system it was made
            bundle.writestr(info, _complete(part, parts[part.file], published=published))
    return out.getvalue()


def _complete(part: Part, content: bytes, *, published: bool) -> bytes:
    if part.unread_output is not None and not published:
        content = without_output(content, part.unread_output)
    if part.input_mean is not None and part.input_std is not None:
        content = with_input_normalisation(content, part.input_mean, part.input_std)
    return content


def without_output(network: bytes, position: int) -> bytes:
    """The network without the operators that lead to one of its outputs only.

    Parameters
    ----------
    network : bytes
        A TFLite flatbuffer with one subgraph.
    position : int
        Of the output. It stays in the list, so that the others keep their places, but repeats its neighbour.

    Returns
    -------
    bytes
        What the other outputs need is untouched: they are computed as before.
    """
    from mediapipe.tasks.metadata import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(network)
    graph = model.subgraphs[0]
    outputs = [int(tensor) for tensor in graph.outputs]
    outputs[position] = outputs[position - 1]
    maker = {int(tensor): n for n, operator in enumerate(graph.operators) for tensor in operator.outputs}
    needed: set[int] = set()
    to_do = [maker[tensor] for tensor in outputs]
    while to_do:
        n = to_do.pop()
        if n not in needed:
            needed.add(n)
            to_do += [maker[int(tensor)] for tensor in graph.operators[n].inputs if int(tensor) in maker]
    graph.operators = [operator for n, operator in enumerate(graph.operators) if n in needed]
    graph.outputs = outputs
    return _packed(model, len(network))


def _packed(model: Any, about_bytes: int) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(about_bytes + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def with_input_normalisation(network: bytes, mean: float, std: float) -> bytes:
    """The network with metadata that says: input = (pixel - mean) / std, pixels 0 to 255.

    Parameters
    ----------
    network : bytes
        A TFLite flatbuffer with one subgraph and one input.
    mean, std : float

    Returns
    -------
    bytes
        The same network; weights and operators are untouched.
    """
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as meta
    from mediapipe.tasks.metadata import schema_py_generated as schema

    options = meta.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    unit = meta.ProcessUnitT()
    unit.optionsType, unit.options = meta.ProcessUnitOptions.NormalizationOptions, options
    image = meta.ImagePropertiesT()
    image.colorSpace = meta.ColorSpaceType.RGB
    content = meta.ContentT()
    content.contentPropertiesType, content.contentProperties = meta.ContentProperties.ImageProperties, image
    tensor = meta.TensorMetadataT()
    tensor.name, tensor.content, tensor.processUnits = "image", content, [unit]
    subgraph = meta.SubGraphMetadataT()
    subgraph.inputTensorMetadata = [tensor]
    root = meta.ModelMetadataT()
    root.subgraphMetadata = [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(root.Pack(builder), b"M001")

    model = schema.ModelT.InitFromPackedBuf(network)
    buffer = schema.BufferT()
    buffer.data = bytes(builder.Output())
    entry = schema.MetadataT()
    entry.name, entry.buffer = _METADATA, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return _packed(model, len(network))
