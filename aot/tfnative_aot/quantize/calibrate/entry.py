# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where samples enter a signature: before the head, if it has one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfnative._compile.options import Calibration
from tfnative.errors import Error, InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.load.source import Arrays
from tfnative_aot.quantize.calibrate.data import CalibrationData, read_calibration
from tfnative_aot.split.divide import Prepared
from tfnative_aot.split.example_head import parse
from tfnative_aot.split.tensorflow_part import HeadRunner, write_head
from tfnative_aot.verify.messages import tensorflow_message
from tfnative_aot.verify.random_messages import parsers


@dataclass(frozen=True)
class Entry:
    """What callers of a signature give, and how that becomes what is compiled for.

    Attributes:
        prepared: The signature.
        inputs: Of the whole.
        messages: The one input, if it has tf.Example messages; else "".
        runner: Its head, if TensorFlow runs one.
    """

    prepared: Prepared
    inputs: tuple[GraphTensor, ...]
    messages: str = ""
    runner: HeadRunner | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the compiled code takes what callers give."""
        return self.inputs == tuple(self.prepared.graph.inputs)

    def read(
        self, given: Calibration, samples: int, others: Collection[str] = ()
    ) -> CalibrationData:
        """Samples of what callers give. See ``read_calibration``."""
        return read_calibration(
            given, self.inputs, samples=samples, others=others, messages=self.messages
        )

    def behind(self, data: CalibrationData) -> CalibrationData:
        """What the compiled code takes for samples of what callers give.

        Raises:
            InvalidArgumentError: The head fails on one, or gives what does not fit.
        """
        if self.is_plain:
            return data
        return data.after(self._run, self.prepared.graph.inputs)

    def _run(self, sample: Arrays) -> Arrays:
        head = self.prepared.head
        try:
            if head is not None:
                return {**sample, **parse(head, sample[head.input])}
            return {**sample, **(self.runner.run(sample) if self.runner else {})}
        except Exception as error:  # Whatever TensorFlow raises for bad input.
            said = str(error) if isinstance(error, Error) else tensorflow_message(error)
            raise InvalidArgumentError(
                "--calibration: what runs before the compiled part of signature "
                f"{self.prepared.graph.signature!r} fails on a sample: {said}"
            ) from error


def entry_of(
    prepared: Prepared,
    loaded: LoadedModel,
    shapes: Mapping[str, Sequence[int]] | None,
    folder: Path,
) -> Entry:
    """Where samples of a signature enter.

    Args:
        prepared: The signature.
        loaded: The whole model.
        shapes: Of its inputs, as the user fixed them.
        folder: For a head's files; has to exist.

    Raises:
        CompileError: TensorFlow cannot load the head.
    """
    graph, head, parts = prepared.graph, prepared.head, prepared.parts
    if head is None and parts is None and prepared.tail is None:
        return Entry(prepared, tuple(graph.inputs))
    signature = loaded.signature(graph.signature)
    sizes = resolve_shapes(signature, shapes)
    inputs = tuple(
        GraphTensor(spec.name, spec.tensor, spec.dtype, sizes[spec.name])
        for spec in signature.inputs
    )
    known = {head.input} if head is not None else set()
    runner = None
    if parts is not None:
        known = set(parsers(parts.graph))
        written = write_head(parts, sizes, loaded, folder, "head")
        runner = HeadRunner(written, folder)
    only = inputs[0] if len(inputs) == 1 else None
    messages = only.name if only and only.name in known else ""
    return Entry(prepared, inputs, messages, runner)
