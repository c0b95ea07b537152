# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of TensorFlow about no rows, and what is made of its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfnative_aot.emit.empty_batch import EmptyBatch
from tfnative_aot.emit.interface import Signature, Tensor
from tfnative_aot.verify.empty_batch import empty_batch
from tfnative_aot.verify.messages import tensorflow_message
from tfnative_aot.verify.samples import Sample

ROWS = Tensor("x", "x", "float32", (-1, 2))
FIXED = Tensor("b", "b", "float32", (2,))


class AlwaysError(ValueError):
    """Raised whatever the inputs are."""


class ThresholdError(ValueError):
    """Raised for numbers that are negative."""


class Asked:
    """Stands for a sampler whose model gives this, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def draw(self, rows: int) -> dict[str, Any]:
        # Other rows leave other numbers to what comes after them.
        return {
            "x": np.zeros((rows, 2), np.float32),
            "b": np.full(2, 0.5 if rows else -0.5, np.float32),
        }

    def sample(self, rows: int) -> Sample:
        inputs = self.draw(rows)
        if isinstance(self.answer, AlwaysError):
            raise self.answer
        return Sample(inputs, {})

    def reference(self, inputs: dict[str, Any]) -> dict[str, Any]:
        assert inputs["x"].shape == (0, 2)
        if isinstance(self.answer, ThresholdError) and inputs["b"][0] > 0:
            return GOOD
        if isinstance(self.answer, Exception):
            raise self.answer
        found: dict[str, Any] = self.answer
        return found


def ask(
    answer: Any, *inputs: Tensor, batch_sizes: tuple[int, ...] = (1,)
) -> EmptyBatch | None:
    signature = Signature("s", "s", inputs or (ROWS,), (ROWS, FIXED), batch_sizes, True)
    sampler: Any = Asked(answer)
    return empty_batch(sampler, signature)


GOOD = {"x": np.zeros((0, 2), np.float32), "b": np.array([1, 2], np.float32)}


def test_outputs_without_a_batch_are_constants():
    found = ask(GOOD)
    assert found == EmptyBatch((None, np.array([1, 2], "<f4").tobytes()))


def test_nothing_is_known_without_a_batch_or_where_other_inputs_matter():
    assert ask(GOOD, batch_sizes=()) is None
    assert ask(GOOD, ROWS, FIXED) is None


def test_outputs_of_another_shape_are_refused():
    found = ask({**GOOD, "x": np.zeros((1, 2), np.float32)})
    assert found is not None
    assert found.outputs == ()
    assert found.error == "output 'x' has the shape [1, 2] then, and not [0, 2]"


def test_what_it_refuses_since_numbers_were_drawn_badly_is_no_answer():
    assert ask(ThresholdError("b must be in [0, 1]"), ROWS, FIXED) is None
    assert ask(AlwaysError("it never works"), ROWS, FIXED) is None


def test_what_tensorflow_raises_is_the_answer():
    found = ask(ValueError("there is nothing to see"), ROWS, FIXED)
    assert found == EmptyBatch(error="there is nothing to see")


@pytest.mark.parametrize(
    "text",
    [
        "it is empty",
        "it is empty\n\t [[{{node ArgMax}}]]",
        "it is empty [Op:ArgMax]",
        "it is empty\n\t [[ArgMax]]\n\nErrors may have originated from an input",
        "Graph execution error:\n\nDetected at node ArgMax defined at (most recent call"
        " last):\n<stack traces unavailable>\nit is empty\n\t [[{{node ArgMax}}]]",
        "Graph execution error:\n\nDetected at node 'a' defined at (most recent call"
        ' last):\n    File "train.py", line 3, in <module>\n      train()\nit is empty',
        "{{function_node __wrapped}} {{function_node __f}} it is empty\n\t [[a]]",
    ],
)
def test_a_message_says_what_is_wrong_and_not_where(text: str) -> None:
    assert tensorflow_message(ValueError(text)) == "it is empty"


def test_an_error_without_text_is_called_by_its_type():
    assert tensorflow_message(KeyError()) == "KeyError"
