# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that lies in S3: a real server of moto's, and what happens without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training.data import open_data, remote
from training.errors import DataError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an S3 server that lives as long as these tests."""
    threaded = pytest.importorskip("moto.server", reason="needs moto[server]")
    started = threaded.ThreadedMotoServer(port=0)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs", reason="needs s3fs")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    fsspec.filesystem("s3").invalidate_cache()
    return server


def test_data_is_read_from_s3_as_from_a_folder(
    s3: str, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import fsspec

    monkeypatch.chdir(tmp_path)
    here = open_data("diabetes", data_root / "diabetes")
    system = fsspec.filesystem("s3")
    system.mkdir("bucket")
    system.put(str(here.folder), "bucket/diabetes", recursive=True)
    there = open_data("diabetes", "s3://bucket/diabetes")
    assert there.folder != here.folder
    assert there.index == here.index
    for one, other in zip(there.held_out(), here.held_out(), strict=True):
        np.testing.assert_equal(one, other)
    assert there.checked()[1] == ()
    copies = {p: p.stat().st_mtime_ns for p in there.folder.glob("*.tfrecord")}
    again = open_data("diabetes", "s3://bucket/diabetes")
    assert {p: p.stat().st_mtime_ns for p in again.folder.glob("*.tfrecord")} == copies


def test_a_bucket_without_data_says_what_to_upload(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="upload the folder"):
        open_data("digits", "s3://nothing/digits")


@pytest.mark.parametrize(
    ("address", "said"),
    [("nonsense://x/y", "nonsense"), ("memory://empty/digits", "upload the folder")],
)
def test_an_address_that_leads_nowhere_is_refused(
    address: str, said: str, tmp_path: Path
):
    with pytest.raises(DataError, match=said) as raised:
        remote.fetch(address, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_file_name_with_a_path_is_refused(data_root: Path, tmp_path: Path):
    import fsspec

    here = open_data("diabetes", data_root / "diabetes")
    text = (here.folder / "data.json").read_text()
    system = fsspec.filesystem("memory")
    evil = text.replace('"train-0', '"../train-0')
    system.pipe("/evil/data.json", evil.encode())
    with pytest.raises(DataError, match="with a path"):
        remote.fetch("memory://evil", tmp_path)
