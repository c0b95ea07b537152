# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfnative inspect` shows of a compiled model, of this machine or another."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfnative._backends.native.folder import artifact_folder
from tfnative._backends.native.model import NativeModel
from tfnative._backends.tensorflow.model import tensorflow_library
from tfnative._base.units import format_shape
from tfnative._cli.common import (
    format_bytes,
    print_table,
    print_tensors,
)
from tfnative._cli.compile_ import print_fidelity
from tfnative._cli.inspect_precision import print_outputs, print_stored
from tfnative._core import host_cpu_level
from tfnative.errors import FailedPreconditionError, LoadError, NotFoundError
from tfnative.manifest import (
    ExamplesHead,
    Manifest,
    TensorFlowHead,
    TensorFlowTail,
    VariantMemory,
)

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LEVEL = re.compile(r"x86-64-v(\d+)(?:-vnni|-amx)?")


@dataclass(frozen=True)
class CompiledView:
    """A compiled model, as far as it can be looked at here.

    Attributes:
        manifest: What it says of itself.
        folder: Where its files are.
        backend: What runs it: "native" or "split"; "" if nothing here does.
        reason: Why that is so, or "".
        cpu_level: Of the code that runs here, or "".
        workspace_bytes: By signature and compiled batch size, 0 without a batch
            dimension. Empty if it does not run here.
    """

    manifest: Manifest
    folder: Path
    backend: str
    reason: str
    cpu_level: str = ""
    workspace_bytes: Mapping[str, Mapping[int, int]] = dataclasses.field(
        default_factory=dict
    )

    @classmethod
    def of(cls, model: NativeModel) -> CompiledView:
        """A model that is loaded."""
        sizes = {name: s.batch_sizes or (0,) for name, s in model.signatures.items()}
        return cls(
            manifest=model.manifest,
            folder=artifact_folder(model.library_path),
            backend=model.backend,
            reason=model.backend_reason,
            cpu_level=model.cpu_level,
            workspace_bytes={
                name: {size: model._workspace_bytes(name, size) for size in of}
                for name, of in sizes.items()
            },
        )

    def content(self) -> dict[str, Any]:
        """What --json prints."""
        return {
            **dataclasses.asdict(self.manifest),
            "backend": self.backend,
            "backend_reason": self.reason,
            "files": dict(self._files()),
            "cpu_level_here": self.cpu_level,
            "workspace_bytes": {k: dict(v) for k, v in self.workspace_bytes.items()},
        }

    def program(self) -> str:
        """The listing of its programs.

        Raises:
            NotFoundError: It has none.
        """
        try:
            return (self.folder / "program.txt").read_text()
        except OSError as error:
            raise NotFoundError(
                f"the artifact has no listing of its programs: {error}"
            ) from error

    def show(self) -> None:
        """Prints it."""
        manifest = self.manifest
        if not self.backend:
            print(f"not run here: {self.reason}")
        elif self.reason:
            print(f"{self.backend}: {self.reason}")
        print(f"{manifest.name}: {manifest.triple}")
        here = f" (here: {self.cpu_level})" if self.cpu_level else ""
        print(f"CPU levels: {', '.join(manifest.cpu_levels)}{here}")
        print(
            f"compiled by tfnative {manifest.tfnative_version}, TensorFlow "
            f"{manifest.tensorflow_version}, from {manifest.source_digest[:19]}"
        )
        if manifest.options:
            given = manifest.options.items()
            asked = (f"{name}={json.dumps(value)}" for name, value in given)
            print(f"options of compile: {', '.join(asked)}")
        for name in manifest.signatures:
            self._show_signature(name)
        print("\nerrors against TensorFlow, when it was compiled:")
        print_fidelity(manifest)
        print_stored(manifest)
        print_outputs(manifest)
        print(f"\nfiles (weights: {format_bytes(manifest.weights_bytes)}):")
        files = [(name, f"{size:,}") for name, size in self._files()]
        print_table(("file", "bytes"), files)

    def _show_signature(self, name: str) -> None:
        signature = self.manifest.signatures[name]
        sizes = ", ".join(map(str, signature.batch_sizes)) or "none"
        rule = "" if signature.rows_independent else " (only these: rows are dependent)"
        print(
            f"\nsignature {name}; batch sizes: {sizes}{rule if sizes != 'none' else ''}"
        )
        if sizes != "none" and signature.rows:
            why = f": {signature.rows_reason}" if signature.rows_reason else ""
            print(f"rows: {signature.rows}{why}")
        print_tensors(
            [
                (kind, tensor.name, tensor.dtype, tensor.shape)
                for kind, tensors in (
                    ("input", signature.inputs),
                    ("output", signature.outputs),
                )
                for tensor in tensors
            ]
        )
        if signature.head is not None:
            _show_head(signature.head)
        if signature.tail is not None:
            _show_tail(signature.tail)
        memory = self._memory(name)
        if name in self.workspace_bytes:
            needed = self.workspace_bytes[name].values()
            print(f"workspace: {_sizes(needed)}")
        elif memory:
            print(f"workspace: {_sizes(each.workspace_bytes for each in memory)}")
        if memory:
            live = _sizes(each.peak_bytes for each in memory)
            print(f"values in it that are alive at once: at most {live}")

    def _memory(self, name: str) -> Sequence[VariantMemory]:
        """What each batch size of a signature needs, of the best level that runs."""
        of_name = self.manifest.signatures[name].memory
        best = self.cpu_level or self.manifest.cpu_levels[-1]
        return [each for each in of_name if each.cpu_level == best]

    def _files(self) -> list[tuple[str, int]]:
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return [
            (path.relative_to(self.folder).as_posix(), path.stat().st_size)
            for path in found
        ]


def _sizes(sizes: Iterable[int]) -> str:
    return ", ".join(map(format_bytes, sizes))


def view_of_another_machine(path: str | os.PathLike[str]) -> CompiledView | None:
    """A compiled model that nothing here could load: its library is not looked at.

    None for anything else, which ``load`` takes, or says what is wrong with it.
    """
    folder = Path(path)
    if not folder.is_dir():
        folder = artifact_folder(folder)
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        manifest = Manifest.from_json(text)
    except (OSError, UnicodeDecodeError, LoadError):
        return None
    reason = _why_not_here(manifest, folder)
    return CompiledView(manifest, folder, "", reason) if reason else None


def _why_not_here(manifest: Manifest, folder: Path) -> str:
    """Why an artifact is none for this machine, or ""."""
    arch, _, system = manifest.triple.partition("-")
    here = platform.machine().lower()
    here = _MACHINES.get(here, here)
    known = arch in ("x86_64", "aarch64", "i686") or arch.startswith(("arm", "riscv"))
    is_linux = "linux" in system and "android" not in system
    if known and (_MACHINES.get(arch, arch) != here or not is_linux):
        return f"it is for {manifest.triple}, and this is {here} with {sys.platform}"
    if manifest.options.get("minimal"):
        return "it was compiled with --minimal, for programs in C and C++ alone"
    if not (folder / manifest.library).is_file() and any(folder.glob("lib*.a")):
        return f"it has no {manifest.library}, only an archive to link into programs"
    return _too_high(manifest) or _without_tensorflow(manifest)


def _too_high(manifest: Manifest) -> str:
    """Whether it has code only for better CPUs than this one."""
    levels = [_LEVEL.fullmatch(level) for level in manifest.cpu_levels]
    best = _LEVEL.fullmatch(host_cpu_level())
    if best is None or not levels or any(level is None for level in levels):
        return ""
    lowest = min(int(level[1]) for level in levels if level)
    if lowest <= int(best[1]):
        return ""
    return f"it needs a CPU of level x86-64-v{lowest}, and this one has {best[0]}"


def _without_tensorflow(manifest: Manifest) -> str:
    """Whether TensorFlow is to run parts of it, and is not there."""
    parts = (p for s in manifest.signatures.values() for p in (s.head, s.tail))
    ops = sorted(
        {op for p in parts if not isinstance(p, ExamplesHead) and p for op in p.ops}
    )
    if not ops:
        return ""
    try:
        tensorflow_library()
    except (NotFoundError, FailedPreconditionError) as error:
        return f"its ops {', '.join(ops)} run in TensorFlow, and {error}"
    return ""


def _show_head(head: ExamplesHead | TensorFlowHead) -> None:
    if isinstance(head, ExamplesHead):
        parsed = [f.feeds for f in head.features if f.feeds is not None]
        print(
            f"takes tf.Example messages as {head.input}, parsed into "
            f"{', '.join(parsed)}"
        )
        return
    taken = [f"{t.name} ({t.dtype} {format_shape(t.shape)})" for t in head.inputs]
    print(
        f"takes {', '.join(taken)}; TensorFlow makes {', '.join(head.feeds)} of it, by "
        f"{', '.join(head.ops)}"
    )


def _show_tail(tail: TensorFlowTail) -> None:
    read = [*tail.reads, *(tensor.name for tensor in tail.inputs)]
    made = [f"{t.name} ({t.dtype} {format_shape(t.shape)})" for t in tail.outputs]
    passed = "".join(f", beside {', '.join(tail.passes)}" for _ in tail.passes[:1])
    print(
        f"gives {', '.join(made)}{passed}; TensorFlow makes that of {', '.join(read)}, "
        f"by {', '.join(tail.ops)}"
    )
