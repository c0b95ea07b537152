# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model that was compiled ahead of time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._backends.native.folder import artifact_folder
from tfnative._base.forked import importing
from tfnative._base.initialized import Initialized
from tfnative._core import Model as CoreModel, ThreadPool
from tfnative._model import Model
from tfnative._signature import make_signature
from tfnative.errors import LoadError

if TYPE_CHECKING:
    from tfnative._backends.native.profile import Profile
    from tfnative._backends.native.tensorflow_tail import Tail
    from tfnative._backends.options import LoadOptions
    from tfnative._signature import TensorSpec
    from tfnative.manifest import Manifest


class NativeModel(Initialized, CoreModel, Model):
    """A compiled model in memory, as ``load`` returns it for an artifact.

    ``backend`` is "split" if TensorFlow runs the first ops of a signature, or its last
    ones, which ``backend_reason`` lists; the rest is compiled.

    What it has beside the attributes and methods of ``Model``:

    Attributes:
        library_path: The shared library.
        cpu_level: Name of the CPU level whose code runs, as "x86-64-v3".
        triple: Target triple that it was compiled for.
        threads: How many threads work on one call.
    """

    backend = "native"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        cpu_level: str | None = None,
        threads: int | ThreadPool = 1,
        verify: bool = True,
        map_in_place: bool = False,
        trusted_keys: Sequence[str] | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self._requested_level = cpu_level
        self._options = {
            "verify": verify,
            "map_in_place": map_in_place,
            "trusted_keys": trusted_keys,
        }
        self._manifest: Manifest | None = None
        self._reload: tuple[Callable[..., Model], tuple[object, ...]] | None = None
        pool = threads if isinstance(threads, ThreadPool) else ThreadPool(threads)
        self._thread_count = pool.threads
        inspect = None
        if trusted_keys is not None:
            with importing:
                from tfnative._signing.check import Checker

            inspect = Checker(trusted_keys).check
        super().__init__(
            self.path, cpu_level or "", pool, verify, map_in_place, inspect
        )
        self.signatures = {
            each[0]: make_signature(*each) for each in self._signature_list()
        }
        self._tails: dict[str, Tail] = {}
        text = self._manifest_text()
        if '"head"' in text or '"tail"' in text:  # Or else it is not read here.
            self._put_parts()

    @property
    def manifest(self) -> Manifest:
        """What was compiled, from what, and how exact it is.

        Raises:
            LoadError: The manifest in the library is not valid.
        """
        if self._manifest is None:
            with importing:
                from tfnative.manifest import Manifest

            self._manifest = Manifest.from_json(self._manifest_text())
        return self._manifest

    def _put_parts(self) -> None:
        with importing:
            from tfnative._backends.native.parts import put_parts

        self.signatures, self._tails, ops = put_parts(
            self,
            self.manifest,
            self.signatures,
            copied=self._options["trusted_keys"] is not None,
        )
        if ops:
            self.backend = "split"
            self.backend_reason = f"TensorFlow runs the ops {', '.join(ops)}"

    def _batched_tensors(self, signature: str) -> list[TensorSpec]:
        """What batches of a signature's rows are made of.

        What only a tail reads or makes is of one request.
        """
        whole, tail = self.signatures[signature], self._tails.get(signature)
        if tail is None or self.manifest.signatures[signature].head is not None:
            return [*whole.inputs.values(), *whole.outputs.values()]
        return [*tail.compiled.inputs.values(), *tail.compiled.outputs.values()]

    def close(self) -> None:
        """See ``Model.close``."""
        super().close()
        self._tails = {}

    def warmup(self) -> None:
        """See ``Model.warmup``."""
        super().warmup()
        if self.backend == "split":
            with importing:
                from tfnative._backends.native.golden import golden_inputs

            for name, signature in self.signatures.items():
                rows = min(signature.batch_sizes, default=1)
                with contextlib.suppress(LoadError):  # There are no golden vectors.
                    inputs = golden_inputs(self, signature, rows)
                    self.predict(inputs, signature=name)

    @property
    def assets(self) -> Mapping[str, Path]:
        """Files that came with the model, as labels, by name."""
        folder = artifact_folder(self.library_path) / "assets"
        return {name: folder / name for name in self.manifest.assets}

    def predict_compiled(self, inputs: Any, *, signature: str | None = None) -> Any:
        """As ``predict``, in the code compiled for exactly that number of rows.

        Rows are neither padded nor split, so that the same input gives the same bits
        every time. What TensorFlow runs last, it runs on the result.

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
        with importing:
            from tfnative._backends.native.profile import profile

        return profile(self, inputs, signature, runs)

    def _reload_as(self, load: Callable[..., Model], *arguments: object) -> None:
        """Sets how to load it elsewhere, where that is not from its path."""
        self._reload = (load, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """A model is loaded again from its path, with the same options."""
        if self._reload is not None:
            return self._reload
        path = os.path.abspath(self.path)
        return _reload, (
            path,
            self._requested_level,
            self._thread_count,
            self._options,
        )

    def __repr__(self) -> str:
        if self.closed:
            return f"<tfnative.Model from {self.path!r}, closed>"
        names = ", ".join(self.signatures)
        return f"<tfnative.Model {self.name!r}: {names}; {self.cpu_level}>"


def native_keywords(options: LoadOptions) -> dict[str, Any]:
    """What of the options of ``load`` is for a compiled model."""
    return {
        "cpu_level": options.cpu_level,
        "threads": options.threads,
        "verify": options.verify,
        "map_in_place": options.map_in_place,
        "trusted_keys": options.trusted_keys,
    }


def _reload(
    path: str, cpu_level: str | None, threads: int, options: Mapping[str, Any]
) -> NativeModel:
    return NativeModel(path, cpu_level=cpu_level, threads=threads, **options)
