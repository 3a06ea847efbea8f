"""Write the network of a package as ONNX files.

An ONNX file holds a graph alone. Its weights are external data: places in ``model.safetensors``,
which stores tensors as they are. So every weight is stored once, and the files stay small.
"""

import contextlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor, nn

from raygroup.errors import ConfigError, one_line
from raygroup.model.heads.loop_reader import BeamLoop, GreedyLoop
from raygroup.reading.record import ROUTER_FILE, TRUNK_FILE, WEIGHTS_FILE, HeadRecord, PackageRecord
from raygroup.training.reading_model import ReadingModel

_LENGTH_BYTES = 8
_EXAMPLE_WORDS = 4
_MAX_REASON = 100
_END = "end"
_ANY_WORDS = {0: "words"}


def require_onnx() -> None:
    """Raise ConfigError if the packages that write ONNX are not installed."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'raygroup[export]', or pass --no-onnx") from error


def onnx_versions() -> dict[str, str]:
    """Return the versions of the packages that write ONNX files and compare them."""
    version_of = {}
    for package in ("onnx", "onnxscript", "onnxruntime"):
        with contextlib.suppress(PackageNotFoundError):
            version_of[package] = version(package)
    return version_of


def num_onnx_files(record: PackageRecord) -> int:
    """Return the number of ONNX files. Each head has two."""
    return 2 + 2 * len(record.heads)


def onnx_files(record: PackageRecord, model: ReadingModel, weights: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each ONNX file. ``weights`` is the content of the weights file."""
    places = _tensor_places(weights)
    crops = torch.zeros(_EXAMPLE_WORDS, *record.crop, dtype=torch.uint8)
    words = torch.zeros(_EXAMPLE_WORDS, *record.features)
    yield TRUNK_FILE, _with_weights(_graph(model.trunk, crops, "crops", ["features"]), lambda name: f"trunk.{name}", places)
    router = _graph(model.router, words, "words", ["task_probabilities", "heads"])
    yield ROUTER_FILE, _with_weights(router, lambda name: f"router.{name}", places)
    graphs: dict[tuple[int, int, bool], Any] = {}
    for head, bank in zip(record.heads, model.heads, strict=True):
        for beam in (False, True):
            # Graphs of heads that differ in their charsets alone are the same.
            key = (head.embed, head.hidden, beam)
            if key not in graphs:
                loop = BeamLoop(bank, record.longest, record.beams) if beam else GreedyLoop(bank, record.longest)
                graphs[key] = _graph(loop.eval(), words, "words", ["classes", "confidence"])
            yield head.onnx_file(beam), _with_weights(graphs[key], head.tensor, places, {_END: _end(head)})


def _end(head: HeadRecord) -> Tensor:
    return torch.tensor(len(head.characters) + 1)


def plain_onnx_file(
    module: nn.Module, example: Tensor, name: str, output: str, sizes: Mapping[int, Any], weights_file: str, weights: bytes
) -> bytes:  # fmt: skip
    """Return the graph of a module with one input and one output.

    Its weights are those of a safetensors file with this name and content. ``sizes`` names the axes of the input that may have any size.
    """
    graph = _graph(module, example, name, [output], sizes)
    return _with_weights(graph, lambda tensor: tensor, _tensor_places(weights), file=weights_file)


def _graph(module: nn.Module, example: Tensor, name: str, outputs: list[str], sizes: Mapping[int, Any] = _ANY_WORDS) -> Any:
    """Return the ONNX model of a module, by default for any number of words."""
    try:
        with _quiet():
            program = torch.onnx.export(
                module, (example,), dynamo=True, dynamic_shapes=(dict(sizes),), input_names=[name], output_names=outputs, verbose=False,
                optimize=False,
            )  # fmt: skip
    except Exception as error:  # torch has no common class for what it cannot export
        raise ConfigError(
            f"torch {torch.__version__} cannot write {type(module).__name__} as ONNX ({one_line(str(error), _MAX_REASON)}): "
            "another version of torch or onnxscript may, or pass --no-onnx"
        ) from error
    return _simplify(program.model_proto)  # type: ignore[union-attr]


def _simplify(model: Any) -> Any:
    """Return a model with fewer nodes, whose weights are as they were.

    The weights are inputs meanwhile. So nothing that depends on them is folded into a constant, and
    other heads can take the graph over.
    """
    import onnx
    from onnxscript import optimizer

    weights = [type(value)() for value in model.graph.initializer]
    for copy, value in zip(weights, model.graph.initializer, strict=True):
        copy.CopyFrom(value)
        model.graph.input.append(onnx.helper.make_tensor_value_info(value.name, value.data_type, value.dims))
    del model.graph.initializer[:]
    num_inputs = len(model.graph.input) - len(weights)
    with _quiet():
        model = optimizer.optimize(model)
    names = {value.name for value in model.graph.initializer}
    del model.graph.input[num_inputs:]
    model.graph.initializer.extend(value for value in weights if value.name not in names)
    _strip(model)
    return model


def _strip(model: Any) -> None:
    """Delete stack traces of this machine, and shapes between nodes."""
    del model.metadata_props[:]
    for graph in [model.graph, *model.functions]:
        _strip_graph(graph)


def _strip_graph(graph: Any) -> None:
    del graph.value_info[:], graph.metadata_props[:]
    graph.doc_string = ""
    for value in [*getattr(graph, "initializer", ()), *graph.input, *graph.output]:
        if hasattr(value, "metadata_props"):
            del value.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip_graph(attribute.g)


def _with_weights(
    graph: Any, tensor_name: Callable[[str], str], places: Mapping[str, Mapping[str, Any]], own: Mapping[str, Tensor] | None = None,
    file: str = WEIGHTS_FILE,
) -> bytes:  # fmt: skip
    """Return an ONNX file whose weights are places in the weights file.

    ``tensor_name`` turns the name of an initialiser into that of the tensor. Initialisers in ``own``
    get that value, and all others keep theirs.
    """
    import onnx

    model = type(graph)()
    model.CopyFrom(graph)
    for value in model.graph.initializer:
        place = places.get(tensor_name(value.name))
        if own and value.name in own:
            value.CopyFrom(onnx.numpy_helper.from_array(own[value.name].numpy(), value.name))
        elif place:
            _refer(value, place, file)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _refer(value: Any, place: Mapping[str, Any], file: str) -> None:
    import onnx

    value.ClearField("raw_data")
    value.dims[:] = place["shape"]
    value.data_location = onnx.TensorProto.EXTERNAL
    del value.external_data[:]
    for key, text in (("location", file), ("offset", place["offset"]), ("length", place["length"])):
        value.external_data.add(key=key, value=str(text))


def _tensor_places(weights: bytes) -> dict[str, dict[str, Any]]:
    """Return shape, offset and length of each tensor in a safetensors file."""
    start = _LENGTH_BYTES + int.from_bytes(weights[:_LENGTH_BYTES], "little")
    header = json.loads(weights[_LENGTH_BYTES:start])
    return {
        name: {"shape": facts["shape"], "offset": start + begin, "length": end - begin}
        for name, facts in header.items()
        if name != "__metadata__"
        for begin, end in [facts["data_offsets"]]
    }  # fmt: skip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes about itself from the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
