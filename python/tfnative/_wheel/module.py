# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the Python module of a wheel."""

from __future__ import annotations

from string import Template

from tfnative._wheel.description import (
    caller_inputs,
    describe_origin,
    describe_signatures,
    shown,
)
from tfnative._wheel.names import Names
from tfnative.manifest import Manifest

FOLDER = "artifact"
"""In the package: where the artifact's files are."""

_MODULE = Template('''# Written by `tfnative wheel`.
"""Predicts with the model $name.

    import $package

    outputs = $package.predict($inputs)
    model = $package.model  # The tfnative.Model, loaded when it is first used.

$signatures

$origin
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tfnative

    model: tfnative.Model
    """The model; loaded when it is first used, in any thread."""

__all__ = ["__version__", "model", "predict", "selftest"]

__version__ = "$version"

_ARTIFACT = Path(__file__).resolve().parent / "$folder"
_lock = threading.RLock()
if sys.platform != "win32":  # Where processes fork, no child may find it held.
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_lock.release,
    )
_loaded: tfnative.Model | None = None


def predict(inputs: Any, *, signature: str | None = None) -> Any:
    """Runs a signature.

    Args:
        inputs: A dict with an array for each input; or the array, where there is only
            one input. The module's docstring lists dtypes and shapes.
        signature: Name of the signature. Default: "serving_default", or the only one.

    Returns:
        For a dict, a dict with an array for each output. For an array, the output's
        array, or a dict where there are several.

    Raises:
        tfnative.InvalidArgumentError: Something does not fit.
        tfnative.LoadError: The model does not run on this machine.
    """
    return _load().predict(inputs, signature=signature)


def selftest(*, cpu_level: str | None = None) -> tfnative.SelfTestReport:
    """Compares the model with what TensorFlow gave when it was compiled.

    Args:
        cpu_level: Name of the CPU level to test. Default: all that this CPU can run.

    Raises:
        tfnative.LoadError: The model does not run on this machine.
    """
    import tfnative

    return tfnative.selftest(_ARTIFACT, cpu_level=cpu_level)


def _load() -> tfnative.Model:
    global _loaded
    if _loaded is None:
        import tfnative

        with _lock:
            if _loaded is None:
                _loaded = tfnative.load(_ARTIFACT)
    return _loaded


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "model":
            return _load()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        # What goes through all attributes, as help() does, is not to load the model.
        loaded = [] if _loaded is None else ["model"]
        return sorted({*globals(), *loaded})
''')


def module_source(names: Names, version: str, manifest: Manifest) -> str:
    """The source of NAME/__init__.py."""
    return _MODULE.substitute(
        name=_quoted(shown(manifest.name)),
        package=names.package,
        inputs=_quoted(_example(manifest)),
        signatures=_quoted(describe_signatures(manifest)),
        origin=_quoted(describe_origin(manifest)),
        version=version,
        folder=FOLDER,
    )


def _example(manifest: Manifest) -> str:
    """What to pass to ``predict``, for the signature that it takes by itself."""
    signatures = manifest.signatures
    name = "serving_default"
    if name not in signatures:
        name = next(iter(signatures), "")
    inputs = [each.name for each in caller_inputs(signatures[name])] if name else []
    if len(inputs) == 1 and inputs[0].isidentifier():
        given = inputs[0]
    else:
        given = f"{{{', '.join(f'{each!a}: ...' for each in inputs)}}}"
    is_default = name == "serving_default" or len(signatures) == 1
    return given if is_default else f"{given}, signature={name!a}"


def _quoted(text: str) -> str:
    """Text in a docstring that means itself."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
