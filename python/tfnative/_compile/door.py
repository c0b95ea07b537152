# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The one door to the compiler: nothing else of the SDK imports ``tfnative_aot``.

Everything that the SDK uses of the compiler is a name of this module. It is imported
when it is first asked for; where that cannot be, asking raises FailedPreconditionError,
which says what to install.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from tfnative.errors import FailedPreconditionError

if TYPE_CHECKING:
    from tfnative_aot.adapters import import_lean, supported_version
    from tfnative_aot.draw.graph_def import draw_graph_def
    from tfnative_aot.draw.saved_model import draw_saved_model
    from tfnative_aot.link.available import (
        AvailableTarget,
        available_targets,
    )
    from tfnative_aot.link.build_side import versions
    from tfnative_aot.link.find_toolchain import (
        find_toolchain,
        toolchains,
    )
    from tfnative_aot.machines.targets import (
        find_target,
        host_runs,
        host_target,
    )
    from tfnative_aot.optimize.optimize import optimize
    from tfnative_aot.pipeline import compile  # noqa: A004 - as re.compile
    from tfnative_aot.progress import terminal_progress
    from tfnative_aot.verify.foreign_selftest import replay

__all__ = [
    "WORKER",
    "AvailableTarget",
    "available_targets",
    "compile",
    "draw_graph_def",
    "draw_saved_model",
    "find_target",
    "find_toolchain",
    "host_runs",
    "host_target",
    "import_lean",
    "is_there",
    "optimize",
    "replay",
    "require",
    "supported_version",
    "terminal_progress",
    "toolchains",
    "versions",
]

_MODULES = {
    "available_targets": "link.available",
    "compile": "pipeline",
    "draw_graph_def": "draw.graph_def",
    "draw_saved_model": "draw.saved_model",
    "find_target": "machines.targets",
    "find_toolchain": "link.find_toolchain",
    "host_runs": "machines.targets",
    "host_target": "machines.targets",
    "import_lean": "adapters",
    "optimize": "optimize.optimize",
    "replay": "verify.foreign_selftest",
    "supported_version": "adapters",
    "terminal_progress": "progress",
    "toolchains": "link.find_toolchain",
    "versions": "link.build_side",
}

WORKER = "tfnative_aot.worker"
"""The module whose ``main(job)`` compiles in a process of its own."""


def is_there() -> bool:
    """Whether the compiler is installed; TensorFlow may still be missing."""
    return importlib.util.find_spec("tfnative_aot") is not None


def require(*packages: str) -> None:
    """Raises FailedPreconditionError if one of these is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise _missing(package)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("tfnative_aot")
    try:
        module = importlib.import_module(f"tfnative_aot.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tfnative"):
            raise
        raise _missing(error.name) from error
    return getattr(module, name)


def _missing(package: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"compiling a model needs {package}, which is not installed: "
        'pip install "tfnative[aot]"'
    )
