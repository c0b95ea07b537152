# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names that reach C."""

from __future__ import annotations

import pytest

from tfnative.errors import InvalidArgumentError
from tfnative_aot.emit.interface import c_identifier, check_name


def test_tensor_names_become_unique_identifiers() -> None:
    taken: set[str] = set()
    names = ["a/b", "a-b", "0", "int", "_x", "größe", "rows"]
    made = [c_identifier(name, taken) for name in names]
    assert made == ["a_b", "a_b_2", "t_0", "t_int", "t_x", "gr__e", "t_rows"]


@pytest.mark.parametrize("name", ["", "2fast", "a-b", "class", "lambda", "x" * 80, "ä"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="--name"):
        check_name(name)


def test_a_good_name_is_kept() -> None:
    assert check_name("digits_v2") == "digits_v2"
