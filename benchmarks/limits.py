# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What one thread of this machine can do at most, and what that means for a model.

Measured by kernels/limits.cc, which is compiled for this CPU.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from benchmarks.measure import ROOT
from benchmarks.work import Work
from tfnative_aot.link.find_toolchain import find_toolchain

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
TYPICAL_CACHES = (32 << 10, 512 << 10)
"""Where the system does not tell."""
FLAGS = ("-O2", "-std=c++17", "-march=native", "-ffp-contract=fast")


@dataclass(frozen=True)
class Reading:
    """How fast an array is read that stays in one cache, or in memory.

    Attributes:
        level: "l1", "l2", "l3" or "memory".
        capacity_bytes: What the cache holds; None for memory.
        gigabytes_per_second: Measured with half of that, or with much more.
    """

    level: str
    capacity_bytes: int | None
    gigabytes_per_second: float


@dataclass(frozen=True)
class Limits:
    """What one thread can do at most.

    Attributes:
        gflops: Multiplications and additions in registers, 10^9 in a second.
        readings: From the nearest cache to memory.
    """

    gflops: float
    readings: tuple[Reading, ...]

    def micros(self, work: Work) -> float:
        """The least time for some work whose bytes stay where they fit."""
        place = next(
            reading
            for reading in self.readings
            if reading.capacity_bytes is None or work.bytes <= reading.capacity_bytes
        )
        compute = work.flops / self.gflops / 1e3
        return max(compute, work.bytes / place.gigabytes_per_second / 1e3)


def measure(rounds: int = 3) -> Limits:
    """Compiles and runs the loops; takes three seconds a round. The best one counts.

    Raises:
        tfnative.NotFoundError: There is no compiler.
        subprocess.CalledProcessError: It failed.
    """
    caches = cache_capacities()
    # Half a cache is sure to stay in it; little of four last caches is still there
    # when it is read again, even where neighbours lend us their part.
    far = min(max(4 * caches[-1], 256 << 20), 1 << 30)
    sizes = [*(capacity // 2 for capacity in caches), far]
    with tempfile.TemporaryDirectory(prefix="tfnative-limits-") as folder:
        program = _compile(Path(folder) / "limits")
        found = [_run(program, sizes) for _ in range(rounds)]
    best = [max(rates) for rates in zip(*found, strict=True)]
    # A nearer place is never slower: what looks like it was disturbed by others.
    gflops, *rates = best[:1] + list(accumulate(best[:0:-1], max))[::-1]
    names = [*(f"l{n}" for n in range(1, len(sizes))), "memory"]
    readings = map(Reading, names, [*caches, None], rates)
    return Limits(gflops, tuple(readings))


def cache_capacities() -> tuple[int, ...]:
    """Bytes of the data caches of a core, the nearest first."""
    found = {}
    for folder in CACHES.glob("index*"):
        kind, level, size = (
            (folder / name).read_text().strip() for name in ("type", "level", "size")
        )
        if kind != "Instruction":
            unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[size[-1]]
            found[int(level)] = int(size[:-1]) * unit
    return tuple(size for _, size in sorted(found.items())) or TYPICAL_CACHES


def _compile(program: Path) -> Path:
    source = ROOT / "benchmarks/kernels/limits.cc"
    flags = [*FLAGS, "-I", f"{ROOT / 'cpp/kernels'}", "-DTFN_LEVEL=native"]
    command = [*find_toolchain().cxx, *flags, f"{source}", "-o", f"{program}"]
    subprocess.run(command, check=True)
    return program


def _run(program: Path, sizes: list[int]) -> list[float]:
    """GFLOP/s, then gigabytes per second for each size."""
    command = [str(program), *map(str, sizes)]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    found = json.loads(said)
    return [found["gflops"], *found["gigabytes_per_second"]]
