# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tfcompile prints is read for the node and the reason, and for no more."""

from __future__ import annotations

from textwrap import dedent

from tfnative_aot.xla.failure import Failure, read_failure

LOG = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795941943.450809   31239 port.cc:153] oneDNN custom operations are on.
2026-01-02 03:04:05.678901: W tensorflow/core/x.cc:12] something
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "fork_server.py", line 111, in _be_child
    self._main(job)
"""


def test_an_operand_that_has_to_be_constant_is_found_with_its_node() -> None:
    said = (
        LOG
        + TRACEBACK
        + (
            "ValueError: Input 1 to node `a/b/Tile` with op Tile must be a compile-"
            "time constant.\n\nXLA compilation requires that operator arguments ...\n\n"
            "Stack trace for op definition: \ndummy_file_name:10:dummy_function\n\n"
            "\t [[{{function_node __inference_f_20}}Tile]]\n"
        )
    )
    found = read_failure(said)
    assert (found.node, found.operand) == ("a/b/Tile", 1)


def test_other_reasons_keep_their_words_and_nothing_about_the_compiler() -> None:
    said = (
        LOG
        + TRACEBACK
        + dedent(
            """\
        InvalidArgumentError: {{function_node f}} Shapes do not fit: [2] and [3]

        Stack trace for op definition:
        dummy_file_name:10:dummy_function_name

        \t [[{{node while/Add}}]]
        \ttf2xla conversion failed while converting while_body[]. Run with TF_DUMP
        \t [[outer/while]]
        """
        )
    )
    assert read_failure(said) == Failure("Shapes do not fit: [2] and [3]", "while/Add")


def test_a_failed_check_is_what_a_crash_says() -> None:
    said = LOG + (
        "F0000 00:00:1795941943.450809   31239 shape.cc:7] Check failed: a == b (1 vs. "
        "2) \n*** Check failure stack trace: ***\n    @     0x7f  (unknown)\n"
    )
    assert read_failure(said).text.strip() == "Check failed: a == b (1 vs. 2)"


def test_what_says_nothing_is_no_reason() -> None:
    assert read_failure(LOG) == Failure("")
