# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""CPU levels by name."""

from __future__ import annotations

import platform

import pytest

from tfnative.errors import InvalidArgumentError
from tfnative_aot.targets import X86_LEVELS, cpu_levels, host_runs

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the levels tested are those of x86-64"
)


def test_all_levels_are_the_default() -> None:
    assert cpu_levels(None) == X86_LEVELS


def test_levels_are_ascending_and_unique() -> None:
    names = ["x86-64-v3", "x86-64-v2", "x86-64-v3"]
    assert [v.name for v in cpu_levels(names)] == ["x86-64-v2", "x86-64-v3"]


def test_native_is_the_best_level_that_this_machine_runs() -> None:
    (native,) = cpu_levels(["native"])
    assert host_runs(native)
    better = [v for v in X86_LEVELS if v.x86_level > native.x86_level]
    assert not any(host_runs(level) for level in better)


@pytest.mark.parametrize("names", [["pentium"], []])
def test_unknown_levels_are_refused_with_the_known_ones(names: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"x86-64-v2.*native"):
        cpu_levels(names)
