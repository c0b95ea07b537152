# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: what a model was tried on when it was compiled, and what it gave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tfnative._backends.native.folder import artifact_folder
from tfnative._base.numpy_files import load_numpy
from tfnative.errors import LoadError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tfnative._signature import Signature
    from tfnative.manifest import Manifest


class _Compiled(Protocol):
    """What of a compiled model says where its golden vectors are."""

    @property
    def library_path(self) -> str: ...
    @property
    def manifest(self) -> Manifest: ...


def golden_inputs(
    model: _Compiled, signature: Signature, rows: int
) -> dict[str, npt.NDArray[Any]]:
    """Inputs that a compiled model was tried on, repeated to so many rows.

    Raises:
        LoadError: They cannot be read.
    """
    import numpy as np

    folder = artifact_folder(model.library_path)
    path = folder / model.manifest.signatures[signature.name].golden
    inputs = input_arrays(read_golden(path))
    return {
        name: np.resize(array, (rows, *array.shape[1:]))
        if (signature.inputs[name].shape or ())[:1] == (-1,)
        else array
        for name, array in inputs.items()
    }


def read_golden(path: Path) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a file with golden vectors, by what it calls them.

    Raises:
        LoadError: It cannot be read.
    """
    try:
        content = load_numpy(path)
    except (OSError, ValueError) as error:
        raise LoadError(f"cannot read the golden vectors {path}: {error}") from error
    if not isinstance(content, dict):
        raise LoadError(f"cannot read the golden vectors {path}: it is no .npz file")
    return content


def input_arrays(
    vectors: Mapping[str, npt.NDArray[Any]],
) -> dict[str, npt.NDArray[Any]]:
    """The inputs, with strings, which lie there as bytes and how many each has."""
    return _with_strings(_part(vectors, "input:"), _part(vectors, "lengths:"))


def output_arrays(
    vectors: Mapping[str, npt.NDArray[Any]],
) -> dict[str, npt.NDArray[Any]]:
    """What TensorFlow gave for the inputs, with strings."""
    return _with_strings(_part(vectors, "output:"), _part(vectors, "output_lengths:"))


def between_arrays(
    vectors: Mapping[str, npt.NDArray[Any]],
) -> dict[str, npt.NDArray[Any]]:
    """With a tail, what TensorFlow gave where the compiled code ends. Else none."""
    return _part(vectors, "between:")


def _with_strings(
    arrays: dict[str, npt.NDArray[Any]], lengths: Mapping[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Arrays, of which those with lengths are the bytes of strings."""
    import numpy as np

    for name in lengths.keys() & arrays.keys():
        data, ends = arrays[name].tobytes(), np.cumsum(lengths[name].ravel())
        strings = np.empty(ends.size, object)
        begin = 0
        for index, end in enumerate(ends.tolist()):
            strings[index], begin = data[begin:end], end
        arrays[name] = strings.reshape(lengths[name].shape)
    return arrays


def _part(
    vectors: Mapping[str, npt.NDArray[Any]], prefix: str
) -> dict[str, npt.NDArray[Any]]:
    return {
        k.removeprefix(prefix): v for k, v in vectors.items() if k.startswith(prefix)
    }
