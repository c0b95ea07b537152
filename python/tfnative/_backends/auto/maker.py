# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Has a SavedModel compiled, for the cache."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._base.progress_line import ProgressLine
from tfnative._cache.digest import folder_digest
from tfnative._cache.entry import ARTIFACT, Entry, Refusal, describe_library
from tfnative.errors import (
    CompileError,
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)

if TYPE_CHECKING:
    from tfnative._backends.auto.request import Request
    from tfnative._compile.options import CompileOptions
    from tfnative._compile.process import Outcome

_RETRY_SECONDS = 24 * 3600


class NotNowError(Exception):
    """It was not compiled, for a reason that need not hold the next time."""


class Maker:
    """Makes the cache's entry of a request, in another process.

    Attributes:
        line: Shows how far it is.
    """

    def __init__(
        self,
        request: Request,
        options: CompileOptions,
        versions: Mapping[str, str],
        digest: str,
    ) -> None:
        self._request = request
        self._options = options
        self._versions = versions
        self._digest = digest
        self._made = False
        self.line = ProgressLine(f"tfnative: compiling {request.path.name}")

    def wait(self) -> None:
        """Somebody else is making it."""
        self.line.stage("waiting for another process that compiles it", at_once=True)

    def make(self, folder: Path) -> Entry:
        """See ``Store.obtain``.

        Raises:
            NotNowError: It was not compiled, and no entry is to say so.
            Error: The request is wrong.
        """
        from tfnative._compile.process import compile_in_process

        self._made = True
        path, temporary = self._request.path, folder / "temporary"
        temporary.mkdir()
        outcome = compile_in_process(
            path, folder / ARTIFACT, self._options, self.line, temporary=temporary
        )
        shutil.rmtree(temporary)
        refusal = self._refusal(outcome, folder)
        if folder_digest(path) != self._digest:
            raise NotNowError(f"{path} was changed while it was compiled")
        return Entry(
            key="",
            source=os.path.abspath(path),
            options=self._options.to_json(),
            versions=self._versions,
            created=0,
            seconds=0,
            signatures=outcome.signatures,
            library=None if refusal else describe_library(folder),
            refusal=refusal,
        )

    def how(self, entry: Entry) -> str:
        """Where the compiled code of an entry is from."""
        if self._made:
            return f"compiled for {self._request.level} in {entry.seconds:.1f} s"
        return "compiled code from the cache"

    def _refusal(self, outcome: Outcome, folder: Path) -> Refusal | None:
        error = outcome.error
        if error is None:
            return self._dependent_rows(folder)
        mistakes = (InvalidArgumentError, NotFoundError, UnimplementedError)
        if isinstance(error, mistakes):
            if self._request.names_own:
                raise error
            return Refusal(str(error))
        if not isinstance(error, CompileError) or "No space left" in str(error):
            raise NotNowError(f"it could not be compiled: {error}")
        lasting = outcome.stage == "freeze and check"
        until = None if lasting else time.time() + _RETRY_SECONDS
        return Refusal(str(error), error.ops, until)

    def _dependent_rows(self, folder: Path) -> Refusal | None:
        """Refuses what could not take any number of rows, unless numbers were named."""
        from tfnative.manifest import Manifest

        if self._request.options.batch_sizes is not None:
            return None
        text = (folder / ARTIFACT / "manifest.json").read_text()
        for name, signature in Manifest.from_json(text).signatures.items():
            if signature.batch_sizes and not signature.rows_independent:
                return Refusal(
                    f"the rows of signature {name!r} influence each other, so that "
                    "compiled code could take certain numbers of rows only; "
                    "batch_sizes=... names them"
                )
        return None
