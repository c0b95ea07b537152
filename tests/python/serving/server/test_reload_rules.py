# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clients change what is served only where they may, and only to what is allowed."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tfnative import serving
from tfnative.serving import messages
from tfnative.serving.server.config import ModelSettings

X = np.zeros((1, 3), np.float32)
ONCE = serving.Retry(max_attempts=1)


def config(**folders: object) -> messages.ModelServerConfig:
    found = messages.ModelServerConfig()
    for name, folder in folders.items():
        found.model_config_list.config.add(name=name, base_path=str(folder))
    return found


def add_version(folder: Path, version: int, artifact: Path) -> Path:
    return Path(shutil.copytree(artifact, folder / str(version)))


class Folders:
    """A folder that models may be below, and one with the same beside it."""

    def __init__(self, parent: Path, artifacts: dict[int, Path]) -> None:
        self.root, self.outside = parent / "root", parent / "outside"
        for folder in (self.root, self.outside):
            for name in ("affine", "other"):
                (folder / name).mkdir(parents=True)
                add_version(folder / name, 1, artifacts[1])
        self.artifacts = artifacts


@pytest.fixture
def folders(tmp_path, artifacts) -> Folders:
    return Folders(tmp_path, artifacts)


@pytest.fixture
def start(serve, folders):
    clients = []

    def start(of_models=None, **options):
        base = str(folders.root / "affine")
        settings = {"affine": ModelSettings("affine", base)}
        running = serve(settings, of_models, **options)
        clients.append(serving.Client(running.grpc, retry=ONCE, timeout=20))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def client(start, folders):
    return start(allow_reload_config=True, model_roots=(str(folders.root),))


def refused(client, wanted, match="may load models from") -> None:
    with pytest.raises(tfnative.PermissionDeniedError, match=match) as raised:
        client.reload_config(wanted)
    assert "/outside" not in str(raised.value)
    assert "/root" not in str(raised.value)
    assert client.predict("affine", {"x": X}, signature="affine")


def test_nothing_is_reloaded_unless_that_was_allowed(start, folders):
    client = start()
    for folder in (folders.root / "affine", folders.root / "other", folders.outside):
        refused(client, config(affine=folder), match="--allow-reload-config")


def test_what_is_below_a_root_is_served(client, folders):
    client.reload_config(config(new=folders.root / "other"))
    assert client.predict("new", {"x": X}, signature="affine")["y"][0, 0] == 1
    with pytest.raises(tfnative.NotFoundError):
        client.status("affine")


def test_the_folders_of_the_models_served_at_first_are_the_roots(start, folders):
    client = start(allow_reload_config=True)
    client.reload_config(
        config(affine=folders.root / "affine", b=folders.root / "affine")
    )
    refused(client, config(affine=folders.root / "other"))
    refused(client, config(affine=folders.root))


@pytest.mark.parametrize(
    "path",
    [
        "{outside}/affine",
        "{outside}/nothing",
        "{root}/../outside/affine",
        "{root}/affine/../../outside/affine",
        "{root}x",
        "/",
        "/etc",
        ".",
        "..",
        "gs://bucket/model",
        "a\0b",
        "{root}/link",
        "{root}/chain",
        "{root}/circle",
    ],
)
def test_no_other_folder_is_served_however_it_is_written(client, folders, path):
    root, outside = folders.root, folders.outside
    (root / "link").symlink_to(outside / "affine")
    (root / "chain").symlink_to(root / "link")
    (root / "circle").symlink_to(root / "circle")
    shutil.copytree(outside, f"{root}x")
    path = path.format(root=root, outside=outside)
    refused(client, config(affine=path))
    # Whether there is such a folder is not told either.
    refused(client, config(affine=root / "affine", b=path))


def test_a_link_that_stays_inside_is_followed(client, folders):
    root = folders.root
    (root / "inside").symlink_to(root / "other")
    (root / "other" / "2").symlink_to(root / "affine" / "1")
    client.reload_config(config(new=root / "inside"))
    assert client.status("new")[0].version == 2


@pytest.mark.parametrize("which", ["version", "file", "folder", "chain"])
def test_no_link_inside_of_a_model_leads_out(client, folders, which):
    root, outside = folders.root, folders.outside / "affine" / "1"
    version = root / "other" / "2"
    if which == "version":
        version.symlink_to(outside)
    else:
        add_version(root / "other", 2, folders.artifacts[2])
    if which == "file":
        (version / "libfake.so").unlink()
        (version / "libfake.so").symlink_to(outside / "libfake.so")
    elif which == "folder":
        shutil.rmtree(version / "golden")
        (version / "golden").symlink_to(outside / "golden")
    elif which == "chain":
        (root / "files").mkdir()
        (root / "files" / "deep").symlink_to(outside)
        (version / "more").symlink_to(root / "files")
    refused(client, config(affine=root / "affine", new=root / "other"))
    shutil.rmtree(version, ignore_errors=True)
    if version.is_symlink():
        version.unlink()
    client.reload_config(config(affine=root / "affine", new=root / "other"))


def test_a_version_that_comes_later_may_not_lead_out_either(start, folders):
    client = start(
        {"poll_seconds": 0.02},
        allow_reload_config=True,
        model_roots=(str(folders.root),),
    )
    base = folders.root / "other"
    client.reload_config(config(affine=folders.root / "affine", new=base))
    link = folders.root / "new"
    link.symlink_to(folders.outside / "affine" / "1")
    os.rename(link, base / "2")
    until = time.monotonic() + 20
    while len(found := client.status("new")) < 2 or found[0].state != "END":
        assert time.monotonic() < until
        time.sleep(0.02)
    assert client.predict("new", {"x": X}, signature="affine")["y"][0, 0] == 1
    assert found[0].error is not None
    assert "/" not in str(found[0].error)


def test_a_model_that_stays_as_it_was_is_not_looked_at_again(start, folders):
    link = folders.root / "affine" / "2"
    link.symlink_to(folders.outside / "affine" / "1")
    client = start(allow_reload_config=True, model_roots=(str(folders.root),))
    client.reload_config(
        config(affine=folders.root / "affine", new=folders.root / "other")
    )
    assert client.status("affine")[0].version == 2


def test_a_root_may_be_a_link_that_its_owner_moves(start, folders):
    now = folders.root.parent / "now"
    now.symlink_to(folders.root)
    client = start(allow_reload_config=True, model_roots=(str(now),))
    affine = folders.root / "affine"
    client.reload_config(config(affine=affine, new=now / "other"))
    now.unlink()
    now.symlink_to(folders.outside)
    client.reload_config(config(affine=affine, newer=now / "other"))
    refused(client, config(affine=affine, new=folders.root / "other"))


def test_a_root_that_is_not_there_is_refused(start, folders):
    with pytest.raises(tfnative.NotFoundError, match="model root"):
        start(allow_reload_config=True, model_roots=(str(folders.root / "none"),))


def test_roots_without_reloading_are_a_mistake(start, folders):
    with pytest.raises(tfnative.InvalidArgumentError, match="allow_reload_config"):
        start(model_roots=(str(folders.root),))
