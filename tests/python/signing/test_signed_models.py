# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""With trusted keys, what they have not signed is not opened."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfnative

pytest.importorskip("cryptography", reason="needs cryptography")

from tests.python.store.releases import Releases, answer
from tfnative._signing.keys import new_key
from tfnative._signing.signature import sign
from tfnative.cli import main

X = [[1, 1, 1]]


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A private key and its public one."""
    return new_key(tmp_path / "deploy.key")


@pytest.fixture
def signed(tmp_path: Path, fake: Path, keys: tuple[Path, Path]) -> Path:
    folder = shutil.copytree(fake, tmp_path / "model")
    sign(folder, keys[0])
    return folder


def load(folder: Path, keys: tuple[Path, Path]) -> tfnative.Model:
    return tfnative.load(folder, trusted_keys=keys[1])


def refusal(folder: Path, keys: tuple[Path, Path]) -> str:
    with pytest.raises(tfnative.errors.SignatureError) as caught:
        load(folder, keys)
    assert isinstance(caught.value, tfnative.LoadError)
    return str(caught.value)


def test_what_a_trusted_key_has_signed_is_loaded(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    for trusted in (keys[1], [keys[1]], tmp_path, [str(keys[1]), tmp_path]):
        model = tfnative.load(signed, trusted_keys=trusted)
        assert model.predict(X, signature="affine").tolist() == [[3, 3, 3]]
    by_file = tfnative.load(signed / "libfake.so", trusted_keys=keys[1])
    assert by_file.name == "fake"
    assert tfnative.load(signed).name == "fake"  # Who trusts all needs no key.


def test_it_is_pickled_with_its_keys(signed: Path, keys: tuple[Path, Path]) -> None:
    content = pickle.dumps(load(signed, keys))
    assert pickle.loads(content).name == "fake"
    (signed / "artifact.sig").unlink()
    with pytest.raises(tfnative.errors.SignatureError):
        pickle.loads(content)


def other_library(folder: Path, artifacts: dict[int, Path]) -> None:
    shutil.copy(artifacts[2] / "libfake.so", folder / "libfake.so")


def other_manifest(folder: Path, artifacts: dict[int, Path]) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("any-machine", "other"))


def no_manifest(folder: Path, artifacts: dict[int, Path]) -> None:
    (folder / "manifest.json").unlink()


def no_signature(folder: Path, artifacts: dict[int, Path]) -> None:
    (folder / "artifact.sig").unlink()


def change(field: str, value: Any) -> Callable[[Path, dict[int, Path]], None]:
    def changed(folder: Path, artifacts: dict[int, Path]) -> None:
        path = folder / "artifact.sig"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, field: value}))

    return changed


def text(content: str) -> Callable[[Path, dict[int, Path]], None]:
    return lambda folder, _: (folder / "artifact.sig").write_text(content) and None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (other_library, "libfake.so is not the file that was signed"),
        (other_manifest, "manifest.json is not the file that was signed"),
        (no_manifest, "no manifest.json"),
        (no_signature, "nobody has signed"),
        (change("key", "sha256:00"), "key that is not trusted"),
        (change("files", {}), "signature of .* is wrong"),
        (change("files", {"libfake.so": "sha256:00"}), "is wrong"),
        (change("signature", ""), "is wrong"),
        (change("signature", "A" * 86 + "=="), "is wrong"),
        (change("signature", "no base64!"), "damaged"),
        (change("signature", 7), "damaged"),
        (change("files", []), "damaged"),
        (change("files", {"libfake.so": 7}), "another format"),
        (change("format", 2), "another format"),
        (change("algorithm", "rsa"), "another format"),
        (text(""), "damaged"),
        (text("[]"), "damaged"),
        (text("[" * 50000), "cannot read"),
        (text("\ud7ff"), "damaged"),
    ],
)
def test_anything_else_is_refused_and_not_opened(
    signed: Path,
    keys: tuple[Path, Path],
    artifacts: dict[int, Path],
    damage: Callable[[Path, dict[int, Path]], None],
    said: str,
) -> None:
    damage(signed, artifacts)
    message = refusal(signed, keys)
    assert re.search(said, message), message
    assert "again" in message or "tfnative sign" in message or "trusted ones" in message


def test_another_keys_signature_is_refused(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    private, public = new_key(tmp_path / "others" / "other.key")
    assert "not trusted" in refusal(signed, (private, public))
    sign(signed, private)
    assert "not trusted" in refusal(signed, keys)
    assert load(signed, (private, public)).name == "fake"


def test_a_signature_under_another_keys_name_is_refused(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    path = signed / "artifact.sig"
    mine = json.loads(path.read_text())
    sign(signed, new_key(tmp_path / "other.key")[0])
    theirs = json.loads(path.read_text())
    path.write_text(json.dumps({**theirs, "key": mine["key"]}))
    assert "is wrong" in refusal(signed, keys)


def test_the_signature_of_another_model_is_refused(
    signed: Path,
    keys: tuple[Path, Path],
    artifacts: dict[int, Path],
    tmp_path: Path,
) -> None:
    other = shutil.copytree(artifacts[3], tmp_path / "other")
    sign(other, keys[0])
    shutil.copy(other / "artifact.sig", signed)
    assert "another model's" in refusal(signed, keys)
    shutil.copy(signed / "libfake.so", tmp_path / "model" / "libother.so")
    (signed / "libfake.so").unlink()
    assert "belongs to another model" in refusal(signed, keys)


def test_a_model_that_was_compiled_again_has_to_be_signed_again(
    signed: Path, keys: tuple[Path, Path], artifacts: dict[int, Path]
) -> None:
    other_library(signed, artifacts)
    assert "compiled again" in refusal(signed, keys)
    sign(signed, keys[0])
    added = load(signed, keys).predict(X, signature="affine")
    assert added.tolist() == [[4, 4, 4]]


def test_options_that_would_leave_a_gap_are_refused(
    signed: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(tfnative.InvalidArgumentError, match="exclude each other"):
        tfnative.load(signed, trusted_keys=keys[1], map_in_place=True)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    for backend in ("auto", "tensorflow"):
        with pytest.raises(tfnative.InvalidArgumentError, match="trusted_keys"):
            tfnative.load(
                tmp_path / "saved",
                options=tfnative.LoadOptions(backend=backend, trusted_keys=keys[1]),
            )
    for wrong in ((), "", [""], [b"x"], 7, {"a": 1}):
        with pytest.raises(tfnative.InvalidArgumentError, match="trusted_keys"):
            tfnative.load(signed, trusted_keys=wrong)


def test_a_store_serves_what_is_signed_alone(
    releases: Releases, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    sign(releases.add(1), keys[0])
    with releases.store(trusted_keys=keys[1]) as store:
        releases.add(2)
        store.poll()
        assert answer(store) == 1
        releases.add(3)
        sign(releases.folder(3), keys[0])
        store.poll()
        assert answer(store) == 3


def test_the_commands_sign_and_verify(
    fake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(fake, tmp_path / "model")
    key = tmp_path / "deploy.key"
    assert main(["sign", "--new-key", str(key)]) == 0
    verify = ["verify", str(model), "--trusted-keys", f"{key}.pub"]
    assert main(verify) == 1
    assert "nobody has signed" in capsys.readouterr().err
    assert main(["sign", str(model), "--key", str(key)]) == 0
    assert main(verify) == 0
    (model / "manifest.json").write_text("{}")
    assert main(verify) == 1
    assert main(["sign", str(model)]) == 2
    assert main(["sign", "--key", str(key)]) == 2
    assert main(["sign", str(tmp_path), "--key", str(key)]) == 1


def test_a_server_does_not_begin_without_a_signed_version(
    releases: Releases, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("grpc", "httpx", "starlette", "uvicorn"):
        pytest.importorskip(package, reason=f"needs {package}")
    library = releases.add(1) / "libfake.so"
    serve = ["serve", str(releases.base), "--port=0", "--rest-port=0"]
    assert main([*serve, "--trusted-keys", str(keys[1])]) == 1
    assert "nobody has signed" in capsys.readouterr().err
    library.chmod(0o777)
    assert main([*serve, "--strict-permissions"]) == 1
    assert "can be written to by others (mode 0777)" in capsys.readouterr().err


def test_a_head_is_opened_from_a_copy_if_keys_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfnative._backends.native.saved_part import open_part, part_digest
    from tfnative.manifest import TensorFlowHead

    folder = tmp_path / "heads" / "digits"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    head = TensorFlowHead.__new__(TensorFlowHead)
    object.__setattr__(head, "path", "heads/digits")
    object.__setattr__(head, "digest", part_digest(folder))
    opened: list[tuple[Path, bytes]] = []

    def open_model(path: Path, **_: object) -> None:
        # Whoever overwrites the original now comes too late.
        (folder / "saved_model.pb").write_bytes(b"other")
        opened.append((path, (path / "saved_model.pb").read_bytes()))

    module = types.ModuleType("tfnative._backends.tensorflow.model")
    module.TensorflowModel = open_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    open_part("here", head, tmp_path, copied=True)
    ((path, content),) = opened
    assert content == b"graph"
    assert not path.exists()
    with pytest.raises(tfnative.LoadError, match="is not what was compiled"):
        open_part("here", head, tmp_path, copied=True)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    os.truncate(file, 1 << 36)  # Of which the disk has a few pages.


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *(("libfake.so", each) for each in (pipe, endless)),
        *(
            (name, each)
            for name in ("artifact.sig", "manifest.json")
            for each in (pipe, endless, huge)
        ),
    ],
)
def test_files_that_are_none_are_refused_at_once(
    signed: Path,
    keys: tuple[Path, Path],
    name: str,
    change: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    private, public = keys
    change(signed / name)
    signal.alarm(20)  # Who waits for a pipe waits for ever.
    try:
        with pytest.raises(tfnative.Error) as raised:
            load(signed, keys)
        assert len(str(raised.value)) < 500
        commands = [["verify", "--trusted-keys", str(public)], ["wheel"], ["size"]]
        if name != "artifact.sig":
            commands.append(["sign", "--key", str(private)])
        for command, *flags in commands:
            if name == "artifact.sig" and command in ("wheel", "size"):
                continue
            if name == "libfake.so" and command == "size":
                continue
            assert main([command, str(signed), *flags]) == 1, command
            assert capsys.readouterr().err.count("\n") == 1
    finally:
        signal.alarm(0)
