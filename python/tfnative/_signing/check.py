# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the signature of a model before it is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tfnative._signing.keys import read_trusted
from tfnative._signing.signature import MANIFEST, ArtifactSignature, read_file
from tfnative.errors import NotFoundError, SignatureError


class Checker:
    """Knows the keys that are trusted. Immutable, and for any thread."""

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """Reads the keys.

        Raises:
            NotFoundError: There is no such file or folder, or `cryptography` is not
                installed.
            InvalidArgumentError: A file is no public key.
        """
        self._keys = read_trusted(paths)

    def check(self, library: str, content: bytes | memoryview) -> None:
        """Checks a library that is to be opened, and the manifest beside it.

        Args:
            library: Its file, beside which the signature is.
            content: The very bytes that will be run.

        Raises:
            SignatureError: No trusted key has signed them.
        """
        path = Path(library)
        folder = path.parent
        signature = ArtifactSignature.read(folder)
        signature.check(self._keys, folder)
        signature.check_file(path.name, content, folder)
        try:
            manifest = read_file(folder / MANIFEST)
        except NotFoundError as error:
            raise SignatureError(
                f"{folder} has no {MANIFEST}, which was signed with it: get the model "
                "again"
            ) from error
        signature.check_file(MANIFEST, manifest, folder)
