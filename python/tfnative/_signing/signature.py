# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The file artifact.sig: what was signed of a model, and by which key.

    {"format": 1, "algorithm": "ed25519", "key": "sha256:...",
     "files": {"libdigits.so": "sha256:...", "manifest.json": "sha256:..."},
     "signature": "..."}

The library has digests of what else is run: of weights that lie in a file of their own,
and of the SavedModel of a head. What it signs covers these, too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._base.file_errors import describe
from tfnative._base.forked import importing
from tfnative._base.output_file import write_whole
from tfnative._base.regular_file import MOST_TEXT_BYTES, read_regular
from tfnative._signing.keys import key_digest, read_private
from tfnative.errors import LoadError, NotFoundError, SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE = "artifact.sig"
MANIFEST = "manifest.json"
_FORMAT = 1
_MOST_BYTES = 1 << 16
MOST_LIBRARY_BYTES = 1 << 40
_PREFIX = b"signed files of a tfnative artifact, format 1\n"


@dataclass(frozen=True)
class ArtifactSignature:
    """What artifact.sig says.

    Attributes:
        key: Digest of the public key.
        files: Digests of files by name.
        signature: The 64 bytes.
    """

    key: str
    files: Mapping[str, str]
    signature: bytes

    @classmethod
    def read(cls, folder: Path) -> ArtifactSignature:
        """Reads the signature of an artifact.

        Raises:
            SignatureError: There is none, or it makes no sense.
        """
        path = folder / SIGNATURE
        try:
            content = json.loads(read_regular(path, _MOST_BYTES))
            files = content["files"]
            found = cls(
                content["key"],
                files,
                base64.b64decode(content["signature"], validate=True),
            )
            texts = [found.key, *files, *files.values()]
            known = (content["format"], content["algorithm"]) == (_FORMAT, "ed25519")
            if known and all(isinstance(text, str) for text in texts):
                return found
            problem = "it has another format, perhaps of a newer tfnative"
        except FileNotFoundError as error:
            raise SignatureError(
                f"nobody has signed {folder}: it has no {SIGNATURE}. `tfnative sign "
                f"{folder} --key ...` makes one"
            ) from error
        except (OSError, RecursionError) as error:
            problem = describe(error) if isinstance(error, OSError) else str(error)
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            problem = "it is damaged"
        raise SignatureError(f"cannot read {path}: {problem}. Sign the model again")

    def write(self, folder: Path) -> Path:
        """Writes it into an artifact, whole or not at all.

        Raises:
            LoadError: It cannot be written.
        """
        path = folder / SIGNATURE
        content = {
            "format": _FORMAT,
            "algorithm": "ed25519",
            "key": self.key,
            "files": dict(self.files),
            "signature": base64.b64encode(self.signature).decode(),
        }
        try:
            text = json.dumps(content, indent=2) + "\n"
            write_whole(path, lambda file: file.write(text.encode()))
        except OSError as error:
            raise LoadError(f"cannot write {path}: {error}") from error
        return path

    def check(self, keys: Mapping[str, Ed25519PublicKey], where: Path) -> None:
        """Checks that one of these keys has signed these digests.

        Raises:
            SignatureError: None has.
        """
        with importing:
            from cryptography.exceptions import InvalidSignature

        key = keys.get(self.key)
        if key is None:
            raise SignatureError(
                f"{where} was signed by a key that is not trusted ({self.key}): add "
                "its public key to the trusted ones, or have the model signed by one "
                "of them"
            )
        try:
            key.verify(self.signature, signed_bytes(self.files))
        except InvalidSignature as error:
            raise SignatureError(
                f"the signature of {where} is wrong: {SIGNATURE} was changed after it "
                "was made. Get the model again, or sign it again"
            ) from error

    def check_file(self, name: str, content: bytes | memoryview, where: Path) -> None:
        """Checks that a file is the one that was signed.

        Raises:
            SignatureError: It is another one.
        """
        signed = self.files.get(name)
        if signed is None:
            raise SignatureError(
                f"the signature of {where} is not for {name}, but for "
                f"{', '.join(sorted(self.files))}: it belongs to another model"
            )
        if signed != digest(content):
            raise SignatureError(
                f"{where / name} is not the file that was signed: it was changed, or "
                f"compiled again, or {SIGNATURE} is another model's. Get the model "
                "again, or sign it again"
            )


def sign(artifact: Path, key: str | os.PathLike[str]) -> Path:
    """Signs a compiled model; a signature that is there is replaced.

    Returns:
        The file artifact.sig.

    Raises:
        NotFoundError: There is no such model or key, or `cryptography` is not
            installed.
        PermissionDeniedError: Others can read the key.
        InvalidArgumentError: It is no private key of Ed25519.
        LoadError: The folder has several libraries, or cannot be read or written.
    """
    private = read_private(key)
    library = find_library(artifact)
    folder = library.parent
    files = {
        library.name: digest(read_file(library, MOST_LIBRARY_BYTES)),
        MANIFEST: digest(read_file(folder / MANIFEST)),
    }
    signature = private.sign(signed_bytes(files))
    made = ArtifactSignature(key_digest(private.public_key()), files, signature)
    return made.write(folder)


def signed_bytes(files: Mapping[str, str]) -> bytes:
    """What the signature is of: names cannot run into digests in JSON."""
    return _PREFIX + json.dumps(dict(files), sort_keys=True).encode()


def digest(content: bytes | memoryview) -> str:
    """SHA-256."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read_file(path: Path, most: int = MOST_TEXT_BYTES) -> bytes:
    """A file of a model, of at most so many bytes.

    Raises:
        NotFoundError: There is none.
        LoadError: It cannot be read.
    """
    try:
        return read_regular(path, most)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {path}: it is no compiled model") from error
    except OSError as error:
        raise LoadError(f"cannot read {path}: {error.strerror}") from error


def find_library(artifact: Path) -> Path:
    """The library of an artifact: in its folder, or named itself.

    Raises:
        NotFoundError: There is none.
        LoadError: There are several.
    """
    if not artifact.is_dir():
        return artifact
    found = sorted(artifact.glob("lib*.so"))
    if not found:
        raise NotFoundError(f"{artifact} has no lib*.so: it is no compiled model")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise LoadError(f"{artifact} has several libraries, name one of {names}")
    return found[0]
