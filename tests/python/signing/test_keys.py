# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keys are private, are not replaced, and are of the one kind that is known."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("cryptography", reason="needs cryptography")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tfnative._signing.keys import key_digest, new_key, read_private, read_trusted
from tfnative.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)

PEM = serialization.Encoding.PEM


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_can_read_a_new_key(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        private, public = new_key(tmp_path / "deploy")
    finally:
        os.umask(before)
    assert private.stat().st_mode & 0o777 == 0o600
    assert public.stat().st_mode & 0o777 == 0o644
    assert public.name == "deploy.pub"


def test_the_two_files_of_a_key_belong_together(tmp_path: Path) -> None:
    private, public = new_key(tmp_path / "deploy")
    digest = key_digest(read_private(private).public_key())
    assert list(read_trusted([public])) == [digest]


@pytest.mark.parametrize("there", ["deploy", "deploy.pub"])
def test_a_key_is_not_replaced(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(InvalidArgumentError, match="is there already"):
        new_key(tmp_path / "deploy")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_can_read_is_refused(
    tmp_path: Path, mode: int
) -> None:
    private, _ = new_key(tmp_path / "deploy")
    private.chmod(mode)
    with pytest.raises(PermissionDeniedError, match="chmod 600"):
        read_private(private)


def test_all_public_keys_of_a_folder_are_trusted(tmp_path: Path) -> None:
    publics = [new_key(tmp_path / name)[1] for name in ("one", "two")]
    assert read_trusted([tmp_path]).keys() == read_trusted(publics).keys()
    assert len(read_trusted([tmp_path])) == 2


def test_a_folder_without_keys_trusts_nobody(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no key is trusted"):
        read_trusted([tmp_path])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for read in (read_private, lambda path: read_trusted([path])):
        with pytest.raises(NotFoundError, match=r"none\.key"):
            read(tmp_path / "none.key")


def other_private() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def other_public() -> bytes:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def raw() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()


def encrypted() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


FORMATS = {
    "empty": lambda: b"",
    "text": lambda: b"secret",
    "raw bytes": raw,
    "another kind": other_private,
    "with a passphrase": encrypted,
    "a public key": other_public,
    "cut off": lambda: other_private()[:60],
}


@pytest.mark.parametrize("made", FORMATS)
def test_a_private_key_in_a_wrong_format_is_refused(tmp_path: Path, made: str) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(FORMATS[made]())
    with pytest.raises(InvalidArgumentError, match=r"expected (an )?Ed25519"):
        read_private(path)


@pytest.mark.parametrize("made", FORMATS)
def test_a_public_key_in_a_wrong_format_is_refused(tmp_path: Path, made: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(FORMATS[made]())
    with pytest.raises(InvalidArgumentError, match=r"Ed25519|is a private key"):
        read_trusted([path])


def test_a_private_key_is_not_taken_for_a_public_one(tmp_path: Path) -> None:
    private, _ = new_key(tmp_path / "deploy")
    with pytest.raises(InvalidArgumentError, match="belongs to who signs alone"):
        read_trusted([private])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_keys_of_openssl_are_keys(tmp_path: Path) -> None:
    private, public = tmp_path / "key", tmp_path / "key.pub"
    made = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", private]
    subprocess.run(made, check=True)
    private.chmod(0o600)
    shown = ["openssl", "pkey", "-in", private, "-pubout", "-out", public]
    subprocess.run(shown, check=True)
    digest = key_digest(read_private(private).public_key())
    assert list(read_trusted([public])) == [digest]


def test_without_cryptography_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(NotFoundError, match=r"pip install 'tfnative\[sign\]'"):
        new_key(tmp_path / "deploy")


def test_all_keys_of_a_file_are_trusted(tmp_path: Path) -> None:
    files = [new_key(tmp_path / name)[1] for name in ("one", "two", "three")]
    both = tmp_path / "both.pub"
    both.write_bytes(b"mine:\n" + b"\nand\n".join(f.read_bytes() for f in files[:2]))
    assert read_trusted([both]).keys() == read_trusted(files[:2]).keys()
    assert len(read_trusted([both, files[2]])) == 3


@pytest.mark.parametrize("other", [other_public, lambda: b"-----BEGIN PUBLIC KEY-----"])
def test_a_file_with_a_key_and_something_else_is_refused(
    tmp_path: Path, other: Callable[[], bytes]
) -> None:
    _, public = new_key(tmp_path / "key")
    public.write_bytes(public.read_bytes() + other())
    with pytest.raises(InvalidArgumentError, match="Ed25519"):
        read_trusted([public])


def test_two_keys_to_sign_with_are_refused(tmp_path: Path) -> None:
    one, two = (new_key(tmp_path / name)[0] for name in ("one", "two"))
    one.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(InvalidArgumentError, match="more than one key"):
        read_private(one)


@pytest.mark.parametrize("read", [read_private, lambda path: read_trusted([path])])
def test_a_file_that_is_no_key_is_told_without_a_link(tmp_path: Path, read) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    for content in (b"text", b"x" * 100_000):
        path.write_bytes(content)
        with pytest.raises(InvalidArgumentError) as raised:
            read(path)
        assert "http" not in str(raised.value)
