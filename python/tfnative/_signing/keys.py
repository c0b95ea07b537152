# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keys: made, and read from files in the formats that OpenSSL knows."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tfnative._base.forked import importing
from tfnative.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_MOST_BYTES = 1 << 16
_PUBLIC = ".pub"
_BLOCK = re.compile(rb"-----BEGIN ([^\n-]+)-----.*?-----END \1-----\n?", re.DOTALL)


def new_key(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Makes a key: a private file, which only this user can read, and a public one.

    Args:
        path: The private file. The public one has ".pub" behind its name.

    Returns:
        Both files.

    Raises:
        InvalidArgumentError: One is there already, or cannot be written.
        NotFoundError: `cryptography` is not installed.
    """
    ed25519, serialization = _cryptography()
    private, public = Path(path), Path(f"{os.fspath(path)}{_PUBLIC}")
    key = ed25519.Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = key.public_key().public_bytes(
        pem, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if public.exists():
        raise InvalidArgumentError(f"{public} is there already; it is not replaced")
    _write_new(private, secret, 0o600)
    _write_new(public, shown, 0o644)
    return private, public


def read_private(path: str | os.PathLike[str]) -> Ed25519PrivateKey:
    """A private key: PEM of PKCS #8, without a passphrase.

    Raises:
        NotFoundError: There is no such file, or `cryptography` is not installed.
        PermissionDeniedError: Others can read it.
        InvalidArgumentError: It is no such key.
    """
    ed25519, serialization = _cryptography()
    content, mode = _read(path)
    if mode & 0o077:
        raise PermissionDeniedError(
            f"others can read the private key {os.fspath(path)} (mode {mode:04o}): do "
            f"`chmod 600 {os.fspath(path)}`, and if they may have read it, make a new "
            "key"
        )
    if len(_BLOCK.findall(content)) > 1:
        raise InvalidArgumentError(
            f"{os.fspath(path)} has more than one key, of which only one can sign"
        )
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except Exception as error:  # What it raises differs between versions.
        raise InvalidArgumentError(
            f"{os.fspath(path)} is no private key: expected an Ed25519 key as PEM "
            "(PKCS #8) without a passphrase, as `tfnative sign --new-key` makes it"
        ) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InvalidArgumentError(
            f"{os.fspath(path)} is a key of another kind: expected Ed25519, as "
            "`tfnative sign --new-key` makes it"
        )
    return cast("Ed25519PrivateKey", key)


def read_trusted(
    paths: Sequence[str | os.PathLike[str]],
) -> Mapping[str, Ed25519PublicKey]:
    """Public keys by their digest: those of files, and of all *.pub in folders.

    A file may have several, one after the other.

    Raises:
        NotFoundError: There is no such file or folder, a folder has no *.pub, or
            `cryptography` is not installed.
        InvalidArgumentError: A file is no public key of Ed25519, as PEM.
    """
    keys: dict[str, Ed25519PublicKey] = {}
    for path in paths:
        for file in _public_files(Path(path)):
            keys |= {key_digest(key): key for key in _read_public(file)}
    return keys


def key_digest(key: Ed25519PublicKey) -> str:
    """By which a signature names its key: SHA-256 of the key's 32 bytes."""
    return f"sha256:{hashlib.sha256(key.public_bytes_raw()).hexdigest()}"


def _public_files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = sorted(path.glob(f"*{_PUBLIC}"))
    if not found:
        raise NotFoundError(f"the folder {path} has no *{_PUBLIC}: no key is trusted")
    yield from found


def _read_public(file: Path) -> Iterator[Ed25519PublicKey]:
    ed25519, serialization = _cryptography()
    content, _ = _read(file)
    if b"PRIVATE KEY" in content:
        raise InvalidArgumentError(
            f"{file} is a private key, which belongs to who signs alone: give the "
            f"public key, in {file}{_PUBLIC} or as `openssl pkey -in {file} -pubout` "
            "prints it"
        )
    blocks = [match.group() for match in _BLOCK.finditer(content)] or [content]
    for block in blocks:
        try:
            if content.count(b"-----BEGIN ") != len(blocks):
                raise ValueError("a key is cut off")
            key = serialization.load_pem_public_key(block)
        except Exception as error:  # What it raises differs between versions.
            raise InvalidArgumentError(
                f"{file} is no public key: expected an Ed25519 key as PEM, as "
                "`tfnative sign --new-key` makes it"
            ) from error
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise InvalidArgumentError(
                f"{file} has a key of another kind: expected Ed25519"
            )
        yield cast("Ed25519PublicKey", key)


def _read(path: str | os.PathLike[str]) -> tuple[bytes, int]:
    """The content of a small file, and who may do what with it."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
            mode = os.fstat(file.fileno()).st_mode & 0o7777
    except OSError as error:
        raise NotFoundError(
            f"cannot read the key {os.fspath(path)}: {error.strerror or error}"
        ) from error
    if len(content) > _MOST_BYTES:  # What is behind that would be left out.
        raise InvalidArgumentError(
            f"{os.fspath(path)} has more than {_MOST_BYTES} bytes: it is no key"
        )
    return content, mode


def _write_new(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # Whatever the umask is.
            file.write(content)
    except FileExistsError as error:
        raise InvalidArgumentError(
            f"{path} is there already; a key is not replaced"
        ) from error
    except OSError as error:
        raise InvalidArgumentError(f"cannot write {path}: {error}") from error


def _cryptography() -> tuple[Any, Any]:
    """Modules of `cryptography`.

    Raises:
        NotFoundError: It is not installed.
    """
    try:
        with importing:
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise NotFoundError(
            "signatures need the package cryptography: pip install 'tfnative[sign]'"
        ) from error
    return ed25519, serialization
