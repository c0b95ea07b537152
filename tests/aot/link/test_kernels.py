# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of compiled kernels when the disk, their files or compilers fail."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from tfnative import cache
from tfnative.errors import (
    CompileError,
    FailedPreconditionError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from tfnative_aot.link import kernels
from tfnative_aot.link.find_toolchain import find_toolchain
from tfnative_aot.link.kernels import (
    KernelBuild,
    Kernels,
    check_all,
    fail_together,
    wait_for_all,
)
from tfnative_aot.link.toolchain import run
from tfnative_aot.machines.targets import chosen_levels, host_target

KERNEL = 'extern "C" int TFN_LEVEL() { return 7; }\n'
LEVEL = chosen_levels(host_target(), ["native"])[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache."""
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Kernels that compile at once."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.cc").write_text(KERNEL)
    return tmp_path / "sources"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def made(sources: Path, pool: ThreadPoolExecutor) -> Kernels:
    with closing(KernelBuild(find_toolchain(), sources, LEVEL, pool)) as build:
        return build.result()


def fail_with(number: int) -> Callable[..., str]:
    def fail(*_: object, **__: object) -> str:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("below", ["", "cache"])
def test_a_file_in_place_of_the_cache_is_a_typed_error(
    below: str,
    sources: Path,
    pool: ThreadPoolExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "file" / below))
    with pytest.raises(
        FailedPreconditionError, match=r"cannot be written to.*TFNATIVE_CACHE sets"
    ):
        made(sources, pool)


def test_a_home_that_cannot_be_used_is_a_typed_error(
    sources: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TFNATIVE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nobody")
    with pytest.raises(FailedPreconditionError, match="TFNATIVE_CACHE sets"):
        made(sources, pool)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("function", ["write_sums", "publish"])
def test_a_disk_that_becomes_full_is_a_typed_error(
    function: str,
    sources: Path,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernels, function, fail_with(errno.ENOSPC))
    with pytest.raises(ResourceExhaustedError, match="cache clear"):
        made(sources, pool)


@pytest.mark.usefixtures("folder")
def test_kernels_in_a_cache_that_cannot_be_written_to_are_used(
    sources: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(sources, pool)
    for module, name in ((tempfile, "mkdtemp"), (os, "utime"), (os, "mkdir")):
        monkeypatch.setattr(module, name, fail_with(errno.EROFS))
    assert made(sources, pool) == first


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("damage", ["truncated", "emptied", "deleted", "overwritten"])
def test_kernels_that_are_damaged_are_made_anew(
    damage: str, sources: Path, pool: ThreadPoolExecutor
) -> None:
    (file,) = made(sources, pool).objects
    content = file.read_bytes()
    half = len(content) // 2
    damaged = {
        "truncated": content[:half],
        "emptied": b"",
        "overwritten": content[:half] + b"damaged!" + content[half + 8 :],
    }
    if damage == "deleted":
        file.unlink()
    else:
        file.write_bytes(damaged[damage])
    assert made(sources, pool).objects == (file,)
    assert file.read_bytes() == content
    assert cache.kernels_count() == len(list(file.parent.parent.iterdir())) == 1


def test_the_digests_are_those_that_sha256sum_checks(
    sources: Path, pool: ThreadPoolExecutor, folder: Path
) -> None:
    made(sources, pool)
    (entry,) = (folder / "kernels").iterdir()
    subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=entry, check=True)


def test_clearing_leaves_the_kernels_of_a_compile_that_runs(
    sources: Path, pool: ThreadPoolExecutor, folder: Path
) -> None:
    for _ in ("compiled", "found"):
        with closing(KernelBuild(find_toolchain(), sources, LEVEL, pool)) as build:
            objects = build.result().objects
            assert cache.clear().kernels_busy == 1
            assert all(path.is_file() for path in objects)
    assert cache.clear().kernels == 1
    assert not any((folder / "kernels").iterdir())


def test_what_a_killed_compile_left_goes_after_an_hour(
    sources: Path, pool: ThreadPoolExecutor, folder: Path
) -> None:
    for name, hours in (("tmpold", 2), ("tmpnew", 0)):
        (folder / "kernels" / name).mkdir(parents=True)
        changed = time.time() - hours * 3600
        os.utime(folder / "kernels" / name, (changed, changed))
    made(sources, pool)
    assert not (folder / "kernels" / "tmpold").exists()
    assert (folder / "kernels" / "tmpnew").exists()


def test_after_the_first_failure_nothing_begins_and_whole_levels_are_kept(
    sources: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sources / "b.cc").write_text(KERNEL.replace("int TFN", "int b_TFN"))
    compiler = find_toolchain()
    compiler.version  # noqa: B018 - asks the compiler, which fails from here on
    begun: list[str] = []
    may_fail = threading.Event()

    def run_or_fail(command: list[str | Path]) -> str:
        begun.append(str(command[-1]))
        if len(begun) == 3:
            may_fail.wait()
            raise CompileError("the third died")
        return run(command)

    monkeypatch.setattr(kernels, "run", run_or_fail)
    levels = host_target().levels[:3]
    with ThreadPoolExecutor(1) as pool:
        builds = [KernelBuild(compiler, sources, level, pool) for level in levels]
        wait(builds[0].compilers)
        fail_together(builds)
        check_all(builds)
        may_fail.set()
        with pytest.raises(CompileError, match="the third died"):
            wait_for_all(builds)
        with pytest.raises(CompileError, match="the third died"):
            check_all(builds)
        for build in builds:
            build.close()
    assert len(begun) == 3
    (kept,) = (folder / "kernels").iterdir()
    assert kept.name.startswith(levels[0].tag)


def test_a_compiler_that_was_killed_is_said_to_have_lacked_memory() -> None:
    with pytest.raises(
        CompileError,
        match="ended by SIGKILL, most often for lack of memory; it printed",
    ):
        run(["sh", "-c", "kill -9 $$"])
    with pytest.raises(CompileError, match=r"crashed with SIGSEGV. Its last .*\n  oh"):
        run(["sh", "-c", "echo oh >&2; kill -SEGV $$"])


@pytest.mark.parametrize("mode", [0o777, 0o702])
def test_kernels_that_others_can_change_are_not_linked(
    folder: Path, sources: Path, pool: ThreadPoolExecutor, mode: int
) -> None:
    made(sources, pool)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(mode)
    with pytest.raises(PermissionDeniedError, match="set TFNATIVE_CACHE to another"):
        made(sources, pool)
    folder.chmod(0o700)
    (kernels,) = made(sources, pool).objects
    kernels.chmod(0o666)
    with pytest.raises(PermissionDeniedError, match="can be written to by others"):
        made(sources, pool)


def test_whatever_the_umask_is_kernels_can_be_used_again(
    folder: Path, sources: Path, pool: ThreadPoolExecutor
) -> None:
    before = os.umask(0)
    try:
        first = made(sources, pool)
    finally:
        os.umask(before)
    assert made(sources, pool) == first
