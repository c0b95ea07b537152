# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads NumPy's files that somebody else wrote, which may be damaged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._base.regular_file import open_regular

if TYPE_CHECKING:
    import numpy.typing as npt

    Content = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]


_BEGINNINGS = (b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06")
"""Of a .npy file, of a .npz file, and of one without arrays."""
_HEAD = 6


def load_numpy(path: Path) -> Content:
    """The array of a .npy file, or those of a .npz file by name.

    No Python objects are read.

    Raises:
        OSError: It cannot be opened, or is no regular file; FileNotFoundError: there
            is none.
        ValueError: It is none of NumPy's files, or is damaged; says how.
    """
    # Whoever reads no files starts without these.
    import struct
    import tokenize
    import zipfile
    import zlib

    import numpy as np

    damaged = (
        EOFError,
        KeyError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        struct.error,
        tokenize.TokenError,
        zipfile.BadZipFile,
        zlib.error,
    )
    # NumPy leaves a file open that it cannot read.
    with open_regular(path) as file:
        if not file.read(_HEAD).startswith(_BEGINNINGS):
            raise ValueError("it begins as neither a .npy nor a .npz file does")
        file.seek(0)
        try:
            content = np.load(file, allow_pickle=False)
            if not isinstance(content, np.lib.npyio.NpzFile):
                return np.asarray(content)
            with content:
                arrays = {name: content[name] for name in content.files}
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise ValueError(
                "it has Python objects, which are not read: write numbers, or strings "
                "as an array of NumPy's own strings"
            ) from error
        except (*damaged, OSError) as error:  # It was opened; places in it are wrong.
            raise ValueError(str(error) or type(error).__name__) from error
    others = [n for n, a in arrays.items() if not isinstance(a, np.ndarray)]
    if others:
        raise ValueError(f"{', '.join(others[:5])} in it is no array")
    return arrays
