# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers that no option takes are wrong usage, and name their bounds."""

from __future__ import annotations

import shlex

import pytest

from training.cli.main import main

HUGE = "9" * 30


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *(
            (f"fit {option} {HUGE}", f"{option}: must be at most 2147483647, not 999")
            for option in (
                *("--steps", "--epochs", "--batch-size", "--seed", "--threads"),
                *("--prefetch", "--batch-delay", "--checkpoint-steps"),
            )
        ),
        *(
            (f"fit {option} 1001", f"{option}: must be at most 1000, not 1001")
            for option in ("--replicas", "--workers", "--ps")
        ),
        ("feed --num-processing-threads 1 1001", "must be at most 1000"),
        ("replicas --replicas 1 1001", "must be at most 1000"),
        (f"feed --queue-capacity {HUGE}", "must be at most 2147483647"),
        (f"ops --rows {HUGE}", "must be at most 2147483647"),
        ("fit --steps 1e3", "must be a whole number of at least 1, not 1e3"),
        ("fit --seed -1", "must be at least 0, not -1"),
    ],
)
def test_a_number_out_of_bounds_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], command: str, said: str
):
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command))
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
