# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that a process has loaded: each once, whatever asks for it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from tfnative._backends.load import load

if TYPE_CHECKING:
    from tfnative._backends.options import LoadOptions
    from tfnative._model import Model

_lock = threading.Lock()
_models: dict[tuple[int, str, LoadOptions], Model] = {}


def loaded(path: str | os.PathLike[str], options: LoadOptions) -> Model:
    """The model, loaded by the first call of this process; it stays loaded.

    May be called by several threads at once, as tasks of an engine do.

    Raises:
        Error: What ``load`` raises.
    """
    # A process that was forked loads its own.
    key = (os.getpid(), os.fspath(path), options)
    with _lock:
        model = _models.get(key)
        if model is None:
            model = _models[key] = load(path, options=options)
        return model
