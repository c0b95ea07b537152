# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Sets of CPU features that code is made for, and the variants made for them."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass, replace
from pathlib import Path

from tfnative.errors import InvalidArgumentError

AVX_VNNI, AVX512_VNNI, DOTPROD, AMX_INT8, I8MM = 0x100, 0x200, 0x400, 0x800, 0x1000
"""Features that multiply in 8 bits: TFN_AVX_VNNI and others in abi.h."""


@dataclass(frozen=True)
class CpuLevel:
    """A set of CPU features that a variant may use.

    Attributes:
        name: As the user writes it and as the manifest has it: "x86-64-v3".
        tag: Short form for C identifiers: "v3".
        x86_level: Number of the x86-64 psABI level that the CPU must have, or 0 for any
            CPU of the target.
        llvm_cpu: CPU name for XLA.
        llvm_features: Feature list for XLA, as "+sse4.2,-avx512f".
        compiler_flags: The same for GCC and Clang.
        zig_cpu: The same for ``zig cc -mcpu=``.
        features: What the CPU must have beside its level, of ``AVX_VNNI`` and others.
    """

    name: str
    tag: str
    x86_level: int
    llvm_cpu: str
    llvm_features: str
    compiler_flags: tuple[str, ...]
    zig_cpu: str
    features: int = 0

    @property
    def needs(self) -> int:
        """What the CPU must have, as tfn_cpu_level.x86_level of abi.h has it."""
        return self.x86_level | self.features


def batch_text(batch_size: int) -> str:
    """A batch size in words; 0 is that of a signature without a batch dimension."""
    return f"batch size {batch_size}" if batch_size else "no batch"


@dataclass(frozen=True)
class VariantKey:
    """Which program of an artifact: a signature at a batch size and a CPU level.

    Attributes:
        signature: Position of the signature in the artifact.
        batch_size: Rows, or 0 for a signature without a batch dimension.
        level: CPU level that the code is made for.
    """

    signature: int
    batch_size: int
    level: CpuLevel

    @property
    def symbol(self) -> str:
        """A C identifier that is unique in the artifact."""
        return f"s{self.signature}_b{self.batch_size}_{self.level.tag}"


def _x86(level: int, *flags: str) -> CpuLevel:
    return CpuLevel(
        name=f"x86-64-v{level}",
        tag=f"v{level}",
        x86_level=level,
        llvm_cpu=f"x86-64-v{level}",
        llvm_features="",
        compiler_flags=(f"-march=x86-64-v{level}", *flags),
        zig_cpu=f"x86_64_v{level}",
    )


def _with(level: CpuLevel, feature: int, name: str, llvm: str, zig: str) -> CpuLevel:
    """A level with one feature more."""
    return replace(
        level,
        name=f"{level.name}-{name}",
        tag=f"{level.tag}_{name}",
        llvm_features=f"+{llvm}",
        compiler_flags=(*level.compiler_flags, f"-m{llvm}"),
        zig_cpu=f"{level.zig_cpu}+{zig}",
        features=feature,
    )


def _amx_level() -> CpuLevel:
    """The level with a matrix unit, of which only our kernels know."""
    units = ("avx512vnni", "amx-tile", "amx-int8")
    return replace(
        X86_LEVELS[2],
        name="x86-64-v4-amx",
        tag="v4_amx",
        llvm_features="+avx512vnni",
        compiler_flags=(*X86_LEVELS[2].compiler_flags, *(f"-m{u}" for u in units)),
        zig_cpu="+".join([X86_LEVELS[2].zig_cpu, *units]).replace("-", "_"),
        features=AVX512_VNNI | AMX_INT8,
    )


X86_LEVELS = (_x86(2), _x86(3), _x86(4, "-mprefer-vector-width=512"))
AARCH64_LEVELS = (CpuLevel("generic", "generic", 0, "generic", "", (), "generic"),)
INT8_LEVELS = {
    "x86_64": (
        _with(X86_LEVELS[1], AVX_VNNI, "vnni", "avxvnni", "avxvnni"),
        _with(X86_LEVELS[2], AVX512_VNNI, "vnni", "avx512vnni", "avx512vnni"),
        _amx_level(),
    ),
    "aarch64": (
        CpuLevel(
            name="armv8.2-dotprod",
            tag="dotprod",
            x86_level=0,
            llvm_cpu="generic",
            llvm_features="+v8.2a,+dotprod",
            compiler_flags=("-march=armv8.2-a+dotprod",),
            zig_cpu="generic+v8_2a+dotprod",
            features=DOTPROD,
        ),
        CpuLevel(
            name="armv8.6-i8mm",
            tag="i8mm",
            x86_level=0,
            llvm_cpu="generic",
            llvm_features="+v8.2a,+dotprod,+i8mm",
            compiler_flags=("-march=armv8.2-a+dotprod+i8mm",),
            zig_cpu="generic+v8_2a+dotprod+i8mm",
            features=DOTPROD | I8MM,
        ),
    ),
}
"""Levels that are worth their bytes where a model multiplies in 8 bits."""

ARMV7_LEVELS = (
    # NEON with fused multiply-add: all but the oldest of the Cortex-A.
    CpuLevel(
        name="neon",
        tag="neon",
        x86_level=0,
        llvm_cpu="generic",
        llvm_features="+v7,+neon,+vfp4",
        compiler_flags=("-march=armv7-a", "-mfpu=neon-vfpv4", "-mfloat-abi=hard"),
        zig_cpu="generic+v7a+neon+vfp4",
    ),
)

_CPU = re.compile(
    r"(?P<cpu>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<features>(\+[A-Za-z0-9._-]+)*)"
)


def named_cpu(name: str, arch: str) -> CpuLevel:
    """A level for a CPU that has a name, as "cortex-a76+dotprod".

    Whether the compilers know it turns out when they are asked to compile for it.

    Args:
        name: A CPU as GCC and LLVM call it, and features after a "+" each.
        arch: "x86_64", "aarch64" or "armv7".

    Raises:
        InvalidArgumentError: It cannot be the name of a CPU.
    """
    match = _CPU.fullmatch(name)
    if match is None:
        raise InvalidArgumentError(
            f"{name!r} is no CPU: expected a name, and features after it, as in "
            "cortex-a76+dotprod"
        )
    cpu = match["cpu"]
    features = [f for f in match["features"].split("+") if f]
    if arch == "x86_64":
        flags = [f"-march={cpu}", *(f"-m{feature}" for feature in features)]
    elif arch == "aarch64":
        flags = [f"-mcpu={name}"]
    else:
        flags = [f"-mcpu={name}", "-mfpu=auto", "-mfloat-abi=hard"]
    return CpuLevel(
        name=name,
        tag=re.sub(r"\W", "_", name),
        # The least that such a CPU has; more than that is up to the caller.
        x86_level=2 if arch == "x86_64" else 0,
        llvm_cpu=cpu,
        llvm_features=",".join(f"+{feature}" for feature in features),
        compiler_flags=tuple(flags),
        zig_cpu="+".join(part.replace("-", "_") for part in (cpu, *features)),
    )


_V3_FLAGS = frozenset("avx avx2 bmi1 bmi2 f16c fma abm movbe".split())
_V4_FLAGS = frozenset("avx512f avx512bw avx512cd avx512dq avx512vl".split())
_FEATURES = {
    "avx_vnni": AVX_VNNI,
    "avx512_vnni": AVX512_VNNI,
    "amx_int8": AMX_INT8,
    "asimddp": DOTPROD,
    "i8mm": I8MM,
}


def host_x86_level() -> int:
    """The psABI level of this machine, from what the kernel says of it."""
    flags = _host_flags("flags")
    if not flags >= _V3_FLAGS:
        return 2
    return 4 if flags >= _V4_FLAGS else 3


def host_features() -> int:
    """The features of levels that this machine has, from what the kernel says."""
    flags = _host_flags("flags") | _host_flags("Features")
    return sum(bit for name, bit in _FEATURES.items() if name in flags)


def host_has(features: int) -> bool:
    """Whether this process may use features: asks for the permission of AMX_INT8."""
    if features & ~host_features():
        return False
    return not features & AMX_INT8 or _may_use_amx()


def _may_use_amx() -> bool:
    # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux has the same answer for
    # all that asks in this process, as the run time does when it loads a model.
    number, ask, tile_data = (ctypes.c_long(n) for n in (158, 0x1023, 18))
    return int(ctypes.CDLL(None).syscall(number, ask, tile_data)) == 0


def _host_flags(key: str) -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    line = next((ln for ln in text.splitlines() if ln.startswith(key)), "")
    return set(line.partition(":")[2].split())
