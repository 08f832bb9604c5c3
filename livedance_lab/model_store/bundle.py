"""Parts into a bundle: a stored zip of networks that all say how their input is normalised.

The Tasks API refuses a float network without ``NormalizationOptions`` metadata; MediaPipe's older wheels
kept those numbers in graph files instead. The buffer is added with the schema classes that MediaPipe ships.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from livedance_lab.model_store.catalogue import Model, Part

__all__ = ["assemble", "with_input_normalisation"]

_METADATA = "TFLITE_METADATA"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the zip epoch: the same parts must always give the same bytes


def assemble(model: Model, parts: Mapping[str, bytes]) -> bytes:
    """The ``.task`` bundle of a model.

    Parameters
    ----------
    model : Model
    parts : mapping of str to bytes
        Content of each part, by `Part.file`.

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
            bundle.writestr(info, _complete(part, parts[part.file]))
    return out.getvalue()


def _complete(part: Part, content: bytes) -> bytes:
    if part.input_mean is None or part.input_std is None:
        return content
    return with_input_normalisation(content, part.input_mean, part.input_std)


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
    builder = flatbuffers.Builder(len(network) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
