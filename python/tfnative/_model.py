# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A loaded model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tfnative import _core
from tfnative._core import ThreadPool

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from tfnative._profile import Profile
    from tfnative.manifest import Manifest


class TensorSpec(NamedTuple):
    """An input or output of a signature.

    Attributes:
        name: As in the signature.
        dtype: Type of the elements. bfloat16 is ml_dtypes.bfloat16 if that package is
            installed, else its bits as uint16.
        shape: Sizes; -1, in the first place only, is the batch: any number of rows.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Signature(NamedTuple):
    """A function of the model.

    Attributes:
        name: As in the model.
        inputs: By name.
        outputs: By name.
        batch_sizes: Numbers of rows that it was compiled for, ascending. Others are
            split and padded. Empty if it has no batch dimension.
        rows_independent: Whether any number of rows can be predicted. If not, rows
            influence each other, and only the compiled numbers can.
    """

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    batch_sizes: tuple[int, ...]
    rows_independent: bool


class Model(_core.Model):
    """A compiled model in memory.

    Immutable: all methods may be called from any number of threads at once, and
    ``predict`` lets other threads run Python meanwhile.

    ``predict(inputs, *, signature=None, out=None)`` runs it:

    Args:
        inputs: A dict with an array for each input; or the array, where there is only
            one input. Arrays must have the input's dtype, and its shape with any
            number of rows, 0 included. Those that are C-contiguous and aligned to 64
            bytes are read where they are, others are copied. Lists and numbers are
            converted. Values are not looked at: NaN is a number like any other.
        signature: Name of the signature: default "serving_default", or the only one.
        out: An array to write to, or a dict with one for each output: of the output's
            dtype and shape, C-contiguous, writeable, not overlapping others.
            They are returned. Default: new arrays.

    Returns:
        For a dict, a dict with an array for each output. For an array, the output's
        array, or a dict where there are several.

    Raises:
        InvalidArgumentError: Something does not fit. The message names the model, the
            signature and the tensor, what was expected and what came.
        FailedPreconditionError: The model is closed.
        ResourceExhaustedError: Out of memory.
        InternalError: The compiled code failed.

    Attributes:
        name: The name that it was compiled with.
        path: What it was loaded from.
        library_path: The shared library.
        cpu_level: Name of the CPU level whose code runs, as "x86-64-v3".
        triple: Target triple that it was compiled for.
        threads: How many threads work on one call.
        signatures: By name.
    """

    path: str
    signatures: Mapping[str, Signature]

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        cpu_level: str | None = None,
        threads: int | ThreadPool = 1,
    ) -> None:
        self.path = os.fspath(path)
        self._requested_level = cpu_level
        self._manifest: Manifest | None = None
        pool = threads if isinstance(threads, ThreadPool) else ThreadPool(threads)
        super().__init__(self.path, cpu_level or "", pool)
        self.signatures = {
            name: Signature(
                name,
                {spec[0]: TensorSpec(*spec) for spec in inputs},
                {spec[0]: TensorSpec(*spec) for spec in outputs},
                sizes,
                independent,
            )
            for name, inputs, outputs, sizes, independent in self._signature_list()
        }

    @property
    def manifest(self) -> Manifest:
        """What was compiled, from what, and how exact it is.

        Raises:
            LoadError: The manifest in the library is not valid.
        """
        if self._manifest is None:
            from tfnative.manifest import Manifest

            self._manifest = Manifest.from_json(self._manifest_text())
        return self._manifest

    def signature(self, name: str | None = None) -> Signature:
        """The signature of that name; without one, the one that ``predict`` takes.

        Raises:
            InvalidArgumentError: There is none.
        """
        return self.signatures[self._find_signature(name)]

    @property
    def assets(self) -> Mapping[str, Path]:
        """Files that came with the model, as labels, by name."""
        from pathlib import Path

        folder = Path(self.library_path).parent / "assets"
        return {name: folder / name for name in self.manifest.assets}

    def predict_compiled(self, inputs: Any, *, signature: str | None = None) -> Any:
        """As ``predict``, in the code compiled for exactly that number of rows.

        Rows are neither padded nor split, so that the same input gives the same bits
        every time.

        Raises:
            InvalidArgumentError: As ``predict``, or the signature was not compiled for
                that number of rows.
        """
        return self._predict_compiled(inputs, signature)

    def profile(
        self, inputs: Any, *, signature: str | None = None, runs: int = 10
    ) -> Profile:
        """Runs the model and says how long each of its steps takes.

        Args:
            inputs: As for ``predict``.
            signature: As for ``predict``.
            runs: How often to run it, after one run to warm up.

        Raises:
            InvalidArgumentError: As ``predict``, or ``runs`` is less than 1.
        """
        from tfnative._profile import profile

        return profile(self, inputs, signature, runs)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        path = os.path.abspath(self.path)
        return _reload, (path, self._requested_level, self.threads)

    def __repr__(self) -> str:
        if self.closed:
            return f"<tfnative.Model from {self.path!r}, closed>"
        names = ", ".join(self.signatures)
        return f"<tfnative.Model {self.name!r}: {names}; {self.cpu_level}>"


def _reload(path: str, cpu_level: str | None, threads: int) -> Model:
    return Model(path, cpu_level=cpu_level, threads=threads)


def load(
    path: str | os.PathLike[str],
    *,
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
) -> Model:
    """Loads a compiled model.

    The library's checksum is verified before any of its code runs; the weights are
    read when they are first used, and shared with other processes.

    Args:
        path: The artifact's folder, or the shared library in it.
        cpu_level: Name of the CPU level whose code to run, as "x86-64-v2". Default:
            the one named by the environment variable TFNATIVE_CPU_LEVEL, else the best
            one that this CPU can run.
        threads: How many threads work on one call, the calling one included; or a
            pool of them, to share between models. A call that finds them busy with
            another one runs alone.

    Raises:
        InvalidArgumentError: ``threads`` is not in 1 to 1024.
        NotFoundError: There is no such file or folder.
        LoadError: It is truncated, damaged, no artifact, or made for another machine,
            CPU or version. The message says which.
    """
    return Model(path, cpu_level=cpu_level, threads=threads)
