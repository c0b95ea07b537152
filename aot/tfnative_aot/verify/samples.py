# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs to try a model on, and TensorFlow's answers to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfnative.errors import CompileError
from tfnative.manifest import ExamplesHead
from tfnative_aot.freeze.graph import FrozenGraph, GraphTensor
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.source import BATCH
from tfnative_aot.split.example_head import encode
from tfnative_aot.verify.messages import missing_kernel, tensorflow_message
from tfnative_aot.verify.narrow_casts import NarrowCasts

Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Sample:
    """Inputs, and the outputs that TensorFlow gives for them, by name.

    Attributes:
        inputs: The inputs.
        outputs: The outputs.
        undefined: Name of a node whose result TensorFlow does not define for them: of a
            cast of a number out of range; or "".
        between: With a tail, what TensorFlow gives where the compiled code ends, if
            ``outputs`` are those of the whole.
    """

    inputs: Arrays
    outputs: Arrays
    undefined: str = ""
    between: Arrays | None = None


@dataclass(frozen=True)
class Domain:
    """Which values inputs are drawn from.

    Attributes:
        float_low: The least float; the largest is 1.
        int_high: What integers stay below.
        definite: Whether square matrices of floats are symmetric, and their
            eigenvalues at least 1.
    """

    float_low: float
    int_high: int
    definite: bool = False


# From the widest to the most careful: an embedding refuses an index that it does
# not have, and a logarithm of a negative number compares nothing.
DOMAINS = tuple(
    Domain(float_low, int_high) for int_high in (100, 10, 2, 1) for float_low in (-1, 0)
)
# Other matrices have no Cholesky factor.
_DEFINITE = tuple(Domain(-1, int_high, definite=True) for int_high in (100, 10, 2, 1))


class Sampler:
    """Draws inputs for a signature from a domain that suits the model.

    The same signature always gets the same inputs. Floats are multiples of 1/128,
    which compress well where they are kept as golden vectors.
    """

    def __init__(
        self, model: LoadedModel, graph: FrozenGraph, casts: NarrowCasts
    ) -> None:
        """Args: the model, its signature, and the casts in what is compiled of it."""
        self._model = model
        self._graph = graph
        self._casts = casts
        self._domain: Domain | None = None

    @property
    def graph(self) -> FrozenGraph:
        """What it draws inputs for."""
        return self._graph

    @property
    def casts(self) -> NarrowCasts:
        """What may be undefined in what is compiled."""
        return self._casts

    def sample(self, rows: int) -> Sample:
        """A sample of ``rows`` rows (ignored without a batch dimension).

        Raises:
            CompileError: TensorFlow itself fails on every input that was tried.
        """
        failure: Exception | None = None
        fallback: tuple[Domain, Sample] | None = None
        for domain in self._domains():
            inputs = dict(self._draw(rows, domain))
            try:
                sample = self.answered(inputs)
            except Exception as error:  # Whatever TensorFlow raises for bad input.
                failure = error
                continue
            if not sample.undefined and all(map(is_finite, sample.outputs.values())):
                self._domain = domain
                return sample
            fallback = fallback or (domain, sample)
        if fallback is None:
            raise CompileError(
                f"signature {self._graph.signature!r}: {_what_failed(failure)}"
            )
        self._domain, sample = fallback
        return sample

    def answered(self, inputs: Arrays) -> Sample:
        """A sample of these inputs. Raises what TensorFlow raises for them."""
        outputs = self.reference(inputs)
        casts = self._casts.out_of_range(self.fed(inputs)) if self._casts else ""
        return Sample(inputs, outputs, casts)

    def _domains(self) -> Sequence[Domain]:
        """All that are worth a trial, the best one first.

        Among more rows, there may be a number that is out of range, or an index that is
        not in a table: then, more careful ones come before the others.
        """
        domains = self._all()
        if self._domain is None:
            return domains
        at = domains.index(self._domain)
        return (*domains[at:], *domains[:at])

    def _all(self) -> Sequence[Domain]:
        has_matrices = any(
            tensor.dtype.startswith(("float", "complex")) and _is_square(tensor.shape)
            for tensor in self._graph.inputs
        )
        return (*DOMAINS, *_DEFINITE) if has_matrices else DOMAINS

    def draw(self, rows: int) -> Arrays:
        """Inputs alone, as ``sample`` draws them."""
        return dict(self._draw(rows, self._domain or DOMAINS[-1]))

    def given(self, inputs: Arrays) -> Arrays:
        """What the artifact is given for these inputs of the compiled code."""
        return inputs

    def fed(self, inputs: Arrays) -> Arrays:
        """What the compiled code by itself reads of these inputs."""
        return inputs

    def reference(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Arrays:
        """TensorFlow's outputs for these inputs."""
        return dict(self._model.run(self._graph.signature, dict(inputs)))

    def head_keeps_rows(self) -> bool:
        """Whether what runs before the compiled code gives it a row for each row."""
        return True

    def tail_keeps_rows(self) -> bool:
        """Whether what runs behind the compiled code gives a row for each row."""
        return True

    def check_tail(self, samples: Iterable[Sample]) -> None:
        """Checks that all parts together give what the whole gives in TensorFlow.

        Raises:
            CompileError: They do not.
        """

    def completed(self, sample: Sample) -> Sample:
        """A sample with the outputs of the whole."""
        return Sample(sample.inputs, sample.outputs)

    @property
    def compiled(self) -> Sampler:
        """Draws inputs for the compiled code by itself."""
        return self

    def _draw(
        self, rows: int, domain: Domain
    ) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
        yield from self._draw_numbers(self._graph.inputs, rows, domain)

    def _draw_numbers(
        self, tensors: Iterable[GraphTensor], rows: int, domain: Domain
    ) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
        rng = np.random.default_rng(2017)
        for tensor in tensors:
            shape = tuple(rows if s == BATCH else s for s in tensor.shape or ())
            yield tensor.name, random_array(rng, tensor.dtype, shape, domain)


class ExampleSampler(Sampler):
    """Draws inputs for code behind a head that parses messages."""

    def __init__(
        self,
        model: LoadedModel,
        graph: FrozenGraph,
        casts: NarrowCasts,
        head: ExamplesHead,
    ) -> None:
        """Args: the whole model, the graph of the code, and the head before it."""
        super().__init__(model, graph, casts)
        self._head = head

    def given(self, inputs: Arrays) -> Arrays:
        """Messages in the place of the features."""
        batched = [t.name for t in self._graph.inputs if has_batch(t)]
        return dict(encode(self._head, len(inputs[batched[0]]), inputs))

    def reference(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Arrays:
        """TensorFlow's outputs for messages with these features."""
        return super().reference(self.given(dict(inputs)))


class FeatureSampler(ExampleSampler):
    """The same, where only the code behind the head is there to ask."""

    def reference(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Arrays:
        """TensorFlow's outputs for these features."""
        return Sampler.reference(self, inputs)


def _what_failed(failure: Exception | None) -> str:
    missing = missing_kernel(failure) if failure else ""
    if missing:
        return (
            "TensorFlow itself cannot run it on a CPU, so that there is nothing to "
            f"compare with: it has no kernel for {missing}"
        )
    said = tensorflow_message(failure) if failure else ""
    return (
        "TensorFlow fails on every input that was tried; give some with --golden. "
        f"It says: {said}"
    )


def random_array(
    rng: np.random.Generator, dtype: str, shape: tuple[int, ...], domain: Domain
) -> npt.NDArray[np.generic]:
    """Numbers of a type, drawn from a domain."""
    kind = numpy_dtype(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if kind.kind in "iu":
        largest = 2 ** (8 * kind.itemsize - (kind.kind == "i")) - 1
        high = min(domain.int_high, largest + 1)
        return rng.integers(0, high, shape).astype(kind)

    def real() -> npt.NDArray[np.float64]:
        return rng.integers(round(128 * domain.float_low), 129, shape) / 128

    values = real() + 1j * real() if kind.kind == "c" else real()
    if domain.definite and _is_square(shape):
        values = values @ values.conj().swapaxes(-1, -2) + np.eye(shape[-1])
    return np.asarray(values, dtype=kind)


def _is_square(shape: Sequence[int] | None) -> bool:
    return shape is not None and len(shape) > 1 and shape[-1] == shape[-2] > 1


def has_batch(tensor: GraphTensor) -> bool:
    """Whether its first size is the number of rows."""
    return bool(tensor.shape) and tensor.shape is not None and tensor.shape[0] == BATCH


def is_finite(array: npt.NDArray[np.generic]) -> bool:
    """Whether it has neither infinity nor NaN."""
    if array.dtype.kind in "biu":
        return True
    wide = np.complex128 if array.dtype.kind == "c" else np.float64
    return bool(np.isfinite(array.astype(wide)).all())


def close(got: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> bool:
    """Whether results are the same but for rounding."""
    if expected.dtype.kind in "biu":
        return bool(np.array_equal(got, expected))
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), expected.astype(wide)
    finite = np.abs(b[np.isfinite(b)])
    scale = float(np.max(finite, initial=0.0))
    return bool(np.allclose(a, b, rtol=0, atol=1e-4 * scale, equal_nan=True))
