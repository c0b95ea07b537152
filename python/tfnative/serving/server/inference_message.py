# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of the Open Inference Protocol as they lie on the wire.

Tensors stay where they are in a message until they are known to fit the model; and a
message of very many small parts costs no more than one of few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfnative._base.wire import Buffer, bytes_field, bytes_field_of_parts, read_fields
from tfnative._core import tensor_fixed, tensor_strings, tensor_varints
from tfnative.errors import InvalidArgumentError
from tfnative.serving.server.inference_request import (
    MOST_NAMES,
    SIGNATURE_NAME,
    Content,
    InferInputs,
    InferRequest,
    InferTensor,
    RawContent,
    WantedOutput,
    check_distinct,
    check_parameters,
    spec_of,
)
from tfnative.serving.server.inference_tensors import (
    DATATYPES,
    Array,
    as_bytes,
    datatype_of,
    to_raw,
)
from tfnative.serving.server.replies import MalformedRequestError
from tfnative.serving.tensors.declaration import MAX_RANK
from tfnative.serving.tensors.values import in_range
from tfnative.serving.types import ModelSpec, Outputs

INFERENCE = "/inference.GRPCInferenceService/"
PROBES = ("ServerLive", "ServerReady", "ModelReady")

_NAME, _VERSION, _ID, _PARAMETERS, _INPUTS, _OUTPUTS, _RAW_INPUTS = range(1, 8)
_RAW_OUTPUTS = 6
_DATATYPE, _SHAPE, _CONTENTS = 2, 3, 5
_BYTES_CONTENTS = 8


class _Field(NamedTuple):
    """Where the elements of a type are.

    Attributes:
        number: The field's.
        name: Its name.
        number_bytes: 4 or 8 where they have a fixed size; 0 for varints.
    """

    number: int
    name: str
    number_bytes: int = 0


_FIELDS = (
    _Field(1, "bool_contents"),
    _Field(2, "int_contents"),
    _Field(3, "int64_contents"),
    _Field(4, "uint_contents"),
    _Field(5, "uint64_contents"),
    _Field(6, "fp32_contents", 4),
    _Field(7, "fp64_contents", 8),
    _Field(_BYTES_CONTENTS, "bytes_contents"),
)
_BY_KIND = {
    "bool": 1,
    "int8": 2,
    "int16": 2,
    "int32": 2,
    "int64": 3,
    "uint8": 4,
    "uint16": 4,
    "uint32": 4,
    "uint64": 5,
    "float32": 6,
    "float64": 7,
    "string": _BYTES_CONTENTS,
}
"""Numbers of fields by NumPy's names; halves have none."""


class TypedContents(NamedTuple):
    """Elements in the field of their type. See ``Content``.

    Attributes:
        datatype: What the client says their type is.
        message: An ``InferTensorContents``.
    """

    datatype: str
    message: memoryview

    def check(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """See ``Content``."""
        own = _field_of(self.datatype)
        for field in _FIELDS:
            if field is own:
                continue
            try:
                _read(self.message, field, 0)
            except InvalidArgumentError:
                raise InvalidArgumentError(
                    f"there are values in {field.name}, but those of {self.datatype}"
                    f" belong into {own.name}"
                ) from None
        # An element takes a byte at least, so that no count is larger than it may be.
        if math.prod(shape) > len(self.message):
            raise InvalidArgumentError(
                f"expected {math.prod(shape)} values in {own.name}, got"
                f" {len(self.message)} bytes"
            )

    def read(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
        """See ``Content``."""
        field, count = _field_of(self.datatype), math.prod(shape)
        found = _read(self.message, field, count)
        if field.number_bytes:
            found = found.view(dtype.newbyteorder("<"))
        if len(found) != count:
            raise InvalidArgumentError(
                f"expected {count} values in {field.name}, got {len(found)}"
            )
        if dtype.kind == "b":
            return np.not_equal(found, 0)
        if dtype.kind in "iu":
            return in_range(found if dtype.kind == "u" else found.view("i8"), dtype)
        return found.astype(dtype)


class GrpcInferRequest(NamedTuple):
    """A ``ModelInferRequest``.

    Attributes:
        spec: The model that is meant.
        asked: What is asked of it.
        is_raw: Whether tensors are in ``raw_input_contents``.
    """

    spec: ModelSpec
    asked: InferRequest
    is_raw: bool


def read_request(message: bytes) -> GrpcInferRequest:
    """What a ``ModelInferRequest`` says.

    Raises:
        InvalidArgumentError: It is not well formed, or has very many parts.
        UnimplementedError: It has parameters that the server does not know.
    """
    texts = dict.fromkeys((_NAME, _VERSION, _ID), "")
    parts: dict[int, list[memoryview]] = {
        number: [] for number in (_PARAMETERS, _INPUTS, _OUTPUTS, _RAW_INPUTS)
    }
    for number, value in _few_fields(memoryview(message)):
        if number in texts:
            texts[number] = _text(value)
        elif number in parts:
            parts[number].append(value)
    parameters = _parameters("the request", parts[_PARAMETERS], {SIGNATURE_NAME: str})
    tensors = _tensors(parts[_INPUTS], parts[_RAW_INPUTS])
    outputs = [_output(part) for part in parts[_OUTPUTS]]
    check_distinct("output", [output.name for output in outputs])
    signature = parameters.get(SIGNATURE_NAME) or None
    asked = InferRequest(
        texts[_ID],
        signature,
        InferInputs(tensors, len(message)),
        outputs,
        is_binary=False,
    )
    spec = spec_of(texts[_NAME], texts[_VERSION], signature)
    return GrpcInferRequest(spec, asked, bool(parts[_RAW_INPUTS]))


def response(request: GrpcInferRequest, ran: ModelSpec, outputs: Outputs) -> bytes:
    """The ``ModelInferResponse``: raw if the request is, and where halves have to be.

    Raises:
        UnimplementedError: The protocol has no such tensors.
    """
    types = {name: datatype_of(name, array.dtype) for name, array in outputs.items()}
    is_raw = request.is_raw or any(
        DATATYPES[datatype] not in _BY_KIND for datatype in types.values()
    )
    parts: list[Buffer] = [
        bytes_field(_NAME, ran.name.encode()),
        bytes_field(_VERSION, str(ran.version).encode()),
    ]
    if request.asked.id:
        parts.append(bytes_field(_ID, request.asked.id.encode()))
    raws: list[Buffer] = []
    for name, array in outputs.items():
        tensor: list[Buffer] = [_head(name, types[name], array)]
        if is_raw:
            raws += bytes_field_of_parts(_RAW_OUTPUTS, [to_raw(array)])
        else:
            contents = _contents(types[name], array)
            tensor += bytes_field_of_parts(_CONTENTS, [contents])
        parts += bytes_field_of_parts(_INPUTS, tensor)
    return b"".join([*parts, *raws])


# --- Helpers --------------------------------------------------------------------------


def _few_fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Those of a message that are bytes; none has numbers that matter here."""
    for count, (number, value) in enumerate(read_fields(message)):
        if count >= MOST_NAMES:
            raise MalformedRequestError(
                f"a message of the request has more than {MOST_NAMES} parts"
            )
        if not isinstance(value, int):
            yield number, value


def _text(value: memoryview) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise MalformedRequestError("a text of the request is not in UTF-8") from None


def _parameters(
    where: str, entries: Sequence[memoryview], known: dict[str, type]
) -> dict[str, Any]:
    found = {}
    for entry in entries:
        name, value = "", memoryview(b"")
        for number, part in _few_fields(entry):
            if number == 1:
                name = _text(part)
            elif number == 2:
                value = part
        found[name] = _parameter(value)
    check_parameters(where, found, known)
    return found


def _parameter(value: memoryview) -> Any:
    from google.protobuf.message import DecodeError

    from tfnative.serving import messages

    try:
        message = messages.InferParameter.FromString(bytes(value))
    except DecodeError:
        raise MalformedRequestError("a parameter is no InferParameter") from None
    chosen = message.WhichOneof("parameter_choice")
    return None if chosen is None else getattr(message, chosen)


def _output(message: memoryview) -> WantedOutput:
    name, entries = "", []
    for number, value in _few_fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:
            entries.append(value)
    _parameters(f"output {name[:100]!r}", entries, {})
    return WantedOutput(name)


def _tensors(
    inputs: Sequence[memoryview], raws: Sequence[memoryview]
) -> list[InferTensor]:
    if raws and len(raws) != len(inputs):
        raise MalformedRequestError(
            f"raw_input_contents has {len(raws)} elements for {len(inputs)} inputs"
        )
    return [
        _tensor(message, raws[index] if raws else None)
        for index, message in enumerate(inputs)
    ]


def _tensor(message: memoryview, raw: memoryview | None) -> InferTensor:
    texts = dict.fromkeys((_NAME, _DATATYPE), "")
    entries, contents = [], []
    for number, value in _few_fields(message):
        if number in texts:
            texts[number] = _text(value)
        elif number == _PARAMETERS:
            entries.append(value)
        elif number == _CONTENTS:
            contents.append(value)
    name = texts[_NAME]
    where = f"input {name[:100]!r}"
    _parameters(where, entries, {})
    try:
        sizes = tensor_varints(message, _SHAPE, MAX_RANK).view(np.int64)
    except InvalidArgumentError:
        raise InvalidArgumentError(
            f"{where}: expected at most {MAX_RANK} dimensions in its shape"
        ) from None
    if raw is not None and contents:
        raise MalformedRequestError(
            f"{where}: it has contents, and there are raw_input_contents"
        )
    shape = tuple(map(int, sizes))
    content: Content = (
        # As messages are merged that follow one another.
        TypedContents(texts[_DATATYPE], _joined(contents))
        if raw is None
        else RawContent(raw)
    )
    return InferTensor(name, texts[_DATATYPE], shape, content)


def _joined(parts: Sequence[memoryview]) -> memoryview:
    return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))


def _field_of(datatype: str) -> _Field:
    number = _BY_KIND.get(DATATYPES[datatype])
    if number is None:
        raise InvalidArgumentError(
            f"expected {datatype} in raw_input_contents: contents have no field for it"
        )
    return _FIELDS[number - 1]


def _read(message: memoryview, field: _Field, limit: int) -> Array:
    if field.number == _BYTES_CONTENTS:
        return tensor_strings(message, field.number, limit)
    if field.number_bytes:
        size = field.number_bytes
        raw = tensor_fixed(message, field.number, size, limit)
        if raw.nbytes % size:
            raise InvalidArgumentError("a value is cut off")
        return raw
    return tensor_varints(message, field.number, limit)


def _head(name: str, datatype: str, array: Array) -> bytes:
    from tfnative.serving import messages

    kind = messages.ModelInferResponse.InferOutputTensor
    head: bytes = kind(
        name=name, datatype=datatype, shape=array.shape
    ).SerializeToString()
    return head


def _contents(datatype: str, array: Array) -> Buffer:
    from tfnative.serving import messages

    field = _FIELDS[_BY_KIND[DATATYPES[datatype]] - 1]
    if field.number_bytes:  # Through numbers of Python NaN would lose bits.
        return b"".join(bytes_field_of_parts(field.number, [to_raw(array)]))
    values = array.reshape(-1).tolist()
    if field.number == _BYTES_CONTENTS:
        values = list(map(as_bytes, values))
    message = messages.InferTensorContents(**{field.name: values})
    serialised: bytes = message.SerializeToString()
    return serialised
