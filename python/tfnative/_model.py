# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A loaded model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tfnative._base.forked import importing

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from typing_extensions import Self

    from tfnative._examples.results import Classifications
    from tfnative._signature import Signature
    from tfnative._tables.feeds import Columns


class Model:
    """A model in memory, whatever runs it.

    Immutable: all methods may be called from any number of threads at once, and
    ``predict`` lets other threads run Python meanwhile.

    Attributes:
        name: The name that it was compiled with, or that of its folder.
        path: What it was loaded from.
        signatures: By name.
        backend: What runs it: "native", compiled code; "tensorflow", TensorFlow;
            "split", TensorFlow its first ops, or its last ones, and compiled code the
            rest.
        backend_reason: Why that, if ``load`` was to choose: its first line says it, the
            others name the nodes that stood in the way of another one. Of a "split"
            one, which ops TensorFlow runs. Else "".
        closed: Whether ``close`` was called.
    """

    path: str
    signatures: Mapping[str, Signature]
    backend: str
    backend_reason: str = ""

    if TYPE_CHECKING:  # What each backend has by itself.

        @property
        def name(self) -> str: ...
        @property
        def closed(self) -> bool: ...
        def _find_signature(self, name: str | None) -> str: ...

    def predict(
        self,
        inputs: Any,
        /,
        *,
        signature: str | None = None,
        out: Any = None,
    ) -> Any:
        """Runs a signature.

        Args:
            inputs: A dict with an array for each input; or the array, where there is
                only one input. Arrays must have the input's dtype, and its shape with
                any number of rows, 0 included. Those that are C-contiguous and aligned
                to 64 bytes are read where they are, others are copied. Lists and
                numbers are converted. NaN is a number like any other.
            signature: Name of the signature: default "serving_default", or the only
                one.
            out: An array to write to, or a dict with one for each output: of the
                output's dtype and shape, C-contiguous, writeable, not overlapping
                others. They are returned. If an error is raised, nothing in them means
                anything. Default: new arrays.

        Returns:
            For a dict, a dict with an array for each output. For an array, the output's
            array, or a dict where there are several.

        Raises:
            InvalidArgumentError: Something does not fit: the message names the model,
                the signature and the tensor, what was expected and what came. Or
                TensorFlow raises an error for a value, as for an index outside a table:
                the message has TensorFlow's, the node and the row.
            FailedPreconditionError: The model is closed.
            ResourceExhaustedError: Out of memory.
            InternalError: The compiled code failed.
        """
        raise NotImplementedError

    def classify(
        self,
        examples: Any,
        *,
        signature: str | None = None,
        labels: str | Sequence[str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Classifications:
        """Says how much speaks for each class, for each example.

        Args:
            examples: A sequence of serialised tf.Example messages (bytes), or of dicts
                with the features of a row; or a dict with an array of all rows for each
                feature. What the signature takes is made of them.
            signature: A signature with the outputs "classes" and "scores", or one of
                both; or with one output of floats (rows, classes). Default:
                "serving_default" if it is such a signature, or else the only one.
            labels: Names of the classes, or the name of an asset with one in each line.
                Default: the output "classes"; or else the only asset that has a line
                for each class, if there is one.
            context: Features of all examples that do not have them themselves.

        Raises:
            InvalidArgumentError: As ``predict``; or there is no such signature, or the
                labels are more or fewer than the classes.
        """
        with importing:
            from tfnative._examples.inference import classify

        return classify(
            self, examples, signature=signature, labels=labels, context=context
        )

    def regress(
        self,
        examples: Any,
        *,
        signature: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> npt.NDArray[Any]:
        """A number for each example.

        Args:
            examples: As for ``classify``.
            signature: A signature with one output, "outputs", or of floats (rows,) or
                (rows, 1). Default: as for ``classify``.
            context: As for ``classify``.

        Returns:
            An array (rows,).

        Raises:
            InvalidArgumentError: As ``predict``, or there is no such signature.
        """
        with importing:
            from tfnative._examples.inference import regress

        return regress(self, examples, signature=signature, context=context)

    def multi_inference(
        self,
        examples: Any,
        tasks: Mapping[str, Literal["classify", "regress"]],
        *,
        context: Mapping[str, Any] | None = None,
    ) -> dict[str, Classifications | npt.NDArray[Any]]:
        """Classifies and regresses the same examples.

        TensorFlow runs what several signatures have in common once.

        Args:
            examples: As for ``classify``.
            tasks: What to do with each signature, by name. All take the same inputs.
            context: As for ``classify``.

        Returns:
            What ``classify`` and ``regress`` give, by the signature's name.

        Raises:
            InvalidArgumentError: As ``classify`` and ``regress``, or inputs differ.
        """
        with importing:
            from tfnative._examples.inference import multi_inference

        return multi_inference(self, examples, tasks, context=context)

    def predict_table(
        self,
        table: Any,
        *,
        columns: Columns | None = None,
        keep: Sequence[str] = (),
        outputs: Mapping[str, str] | None = None,
        signature: str | None = None,
    ) -> Any:
        """Predicts each row of a table.

        Needs pyarrow, of the extra ``tfnative[score]``.

        Args:
            table: Of pyarrow (``Table`` or ``RecordBatch``), a DataFrame of pandas or
                Polars, or anything else with Arrow's ``__arrow_c_stream__``.
            columns: By input, the column that feeds it, or one for each element of a
                row, of whose names wildcards may stand for several (``pixel_*``).
                Default: that of the input's name. A column has numbers, strings, or
                lists of them: of the input's shape, or of all of a row's elements in
                order. Integers and smaller floats become floats, larger floats are
                rounded.
            keep: Columns of the table that come first in the result.
            outputs: By output, what its column is called. Default: all outputs, under
                their own names.
            signature: As for ``predict``.

        Returns:
            A table of the same kind, with a row for each row. An output of several
            elements is a column of lists, strings are bytes, and bfloat16 is float32.

        Raises:
            InvalidArgumentError: A column is missing or is of another type; or a row
                has a null, a list of another length, a number that the input's dtype
                does not hold, or what the model refuses: the message says which row and
                column, what came, and what was expected.
            FailedPreconditionError: The model is closed.
            UnimplementedError: pyarrow is not installed.
        """
        with importing:
            from tfnative._tables.predict_table import predict_table
            from tfnative._tables.scorer import Columned

        asked = Columned(signature, columns, keep, outputs)
        return predict_table(self, table, asked)

    def _predict_signatures(
        self, names: Sequence[str], inputs: Mapping[str, Any]
    ) -> list[dict[str, npt.NDArray[Any]]]:
        """What ``predict`` gives for each of these signatures, which take the same."""
        return [self.predict(inputs, signature=name) for name in names]

    @property
    def assets(self) -> Mapping[str, Path]:
        """Files that came with the model, as labels, by name."""
        return {}

    def warmup(self) -> None:
        """Makes later calls as fast as they get: see to it before the first request.

        Raises:
            FailedPreconditionError: The model is closed.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Lets the model go; calls that run end well. May be called again."""
        raise NotImplementedError

    def signature(self, name: str | None = None) -> Signature:
        """The signature of that name; without one, the one that ``predict`` takes.

        Raises:
            InvalidArgumentError: There is none.
        """
        return self.signatures[self._find_signature(name)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
