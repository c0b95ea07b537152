# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Platform tags of wheels.

PEP 600 (manylinux), 656 (musllinux), 730 (iOS), 738 (Android), and the specification
of platform compatibility tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tfnative.errors import UnimplementedError

_Version = tuple[int, ...]

_LINUX = {
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "armv7": "armv7l",
    "armv7a": "armv7l",
    "armv7l": "armv7l",
    "i686": "i686",
    "x86_64": "x86_64",
}
_ANDROID = {
    "aarch64": "arm64_v8a",
    "arm64": "arm64_v8a",
    "armv7": "armeabi_v7a",
    "armv7a": "armeabi_v7a",
    "i686": "x86",
    "x86_64": "x86_64",
}
_APPLE = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64"}
_WINDOWS = {
    "aarch64": "win_arm64",
    "arm64": "win_arm64",
    "i686": "win32",
    "x86_64": "win_amd64",
}

_N = r"(?P<version>\d+(\.\d+)*)?"

# Of a triple without its architecture and vendor: how it looks, what the tag calls the
# architectures, the oldest version of the system, and the tag. 32-bit ARM means
# hardware floating point.
_SYSTEMS: tuple[tuple[str, dict[str, str], _Version, str], ...] = (
    (r"linux-gnu(eabihf)?", _LINUX, (2, 17), "manylinux_{0}_{1}_{arch}"),
    (r"linux-musl(eabihf)?", _LINUX, (1, 2), "musllinux_{0}_{1}_{arch}"),
    (rf"linux-android(eabi)?{_N}", _ANDROID, (21,), "android_{0}_{arch}"),
    (rf"macosx?{_N}", _APPLE, (), "macosx_{0}_{1}_{arch}"),
    (r"darwin[\d.]*", _APPLE, (), "macosx_{0}_{1}_{arch}"),
    (rf"ios{_N}", _APPLE, (13, 0), "ios_{0}_{1}_{arch}_iphoneos"),
    (rf"ios{_N}-simulator", _APPLE, (13, 0), "ios_{0}_{1}_{arch}_iphonesimulator"),
    (r"windows-(gnu|msvc)", _WINDOWS, (), "{arch}"),
)
_OLDEST_MACOS: dict[str, _Version] = {"arm64": (11, 0), "x86_64": (10, 13)}


def platform_tag(triple: str, glibc: Callable[[], tuple[int, int] | None]) -> str:
    """The platform tag of a wheel with code for a triple.

    Args:
        triple: As LLVM writes it.
        glibc: Gives the oldest glibc that the code runs with, or None if any does.
            It is called where the code needs glibc.

    Raises:
        UnimplementedError: There is no tag for it.
        Error: As ``glibc``.
    """
    arch, system = _split(triple.lower())
    for pattern, archs, least, tag in _SYSTEMS:
        match = re.fullmatch(pattern, system)
        if match is None or arch not in archs:
            continue
        name = archs[arch]
        oldest = _OLDEST_MACOS[name] if tag.startswith("macosx") else least
        named = match.groupdict().get("version")
        needed = glibc() if tag.startswith("manylinux") else _version(named)
        version = max(oldest, needed or oldest)
        if tag.startswith("macosx"):
            version = _macos_release(version)
        return tag.format(*version, arch=name)
    raise UnimplementedError(f"wheels have no platform tag for the triple {triple!r}")


def _split(triple: str) -> tuple[str, str]:
    """The architecture, and the system without a vendor."""
    arch, _, rest = triple.partition("-")
    vendor, _, system = rest.partition("-")
    return arch, system if vendor in ("apple", "pc", "unknown", "w64") else rest


def _version(text: str | None) -> _Version:
    """Two numbers, or none."""
    return tuple(map(int, [*text.split("."), "0"][:2])) if text else ()


def _macos_release(version: _Version) -> _Version:
    """Since macOS 11, tags have major versions only."""
    major, minor = version
    return (major + 1, 0) if major >= 11 and minor else version
