# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a distribution is called, and the package in it.

PEP 508 says what distributions may be called, and PEP 440 what versions are.
"""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass

from tfnative.errors import InvalidArgumentError

_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.I | re.A)
_NEEDED = {"numpy", "tensorflow", "tfnative", "tfnative_aot"}
# PEP 440, appendix B. Whitespace around it is allowed there, and not here.
_VERSION = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]+)?)?"
    r"(?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]+)?)?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]+)?)?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.I | re.A,
)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


@dataclass(frozen=True)
class Names:
    """What a wheel's distribution is called.

    Attributes:
        distribution: As pip knows it.
        package: As it is imported.
        escaped: The distribution in names of files, where every spelling of it is one.
    """

    distribution: str
    package: str
    escaped: str


def make_names(name: str) -> Names:
    """The names of a distribution.

    Raises:
        InvalidArgumentError: Distributions cannot be called so, or it cannot be
            imported, or would be imported in place of another module.
    """
    if not _DISTRIBUTION.fullmatch(name):
        raise InvalidArgumentError(
            f"name {name!r}: expected ASCII letters, digits, and . _ - between them"
        )
    package = re.sub(r"[-.]", "_", name)
    if not package.isidentifier() or keyword.iskeyword(package):
        raise InvalidArgumentError(
            f"name {name!r}: `import {package}` is not Python; choose another name"
        )
    escaped = re.sub(r"[-_.]+", "_", name).lower()
    taken = _NEEDED | {module.lower() for module in sys.stdlib_module_names}
    if taken & {package.lower(), escaped}:
        raise InvalidArgumentError(
            f"name {name!r}: it would hide the module {escaped}; choose another name"
        )
    return Names(name, package, escaped)


def normal_version(version: str) -> str:
    """A version as PEP 440 spells it: "1.0rc1" for "v1.0-RC.1".

    Raises:
        InvalidArgumentError: It is not a version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InvalidArgumentError(
            f"version {version!r}: expected one of PEP 440, as 1.0.0 or 2.1rc1"
        )
    epoch = int(match["epoch"] or 0)
    text = f"{epoch}!" if epoch else ""
    text += ".".join(str(int(part)) for part in match["release"].split("."))
    if match["pre"]:
        pre = match["pre"].lower()
        text += f"{_PRE.get(pre, pre)}{int(match['pre_n'] or 0)}"
    if match["post"]:
        text += f".post{int(match['post_n1'] or match['post_n2'] or 0)}"
    if match["dev"]:
        text += f".dev{int(match['dev_n'] or 0)}"
    if match["local"]:
        parts = re.split(r"[-_.]", match["local"].lower())
        text += "+" + ".".join(str(int(p)) if p.isdigit() else p for p in parts)
    return text
