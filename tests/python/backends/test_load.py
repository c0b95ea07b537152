# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Broken artifacts never crash: they are a LoadError that says what is wrong."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import tfnative
from tests.python.conftest import TRAILER, WEIGHTS, build_fake, manifest, seal

SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Content(bytes):
    """The bytes of a file, too many to be printed with each example."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@pytest.fixture
def library(fake: Path) -> bytes:
    return Content((fake / "libfake.so").read_bytes())


def refused(tmp_path: Path, content: bytes, match: str | None = None) -> None:
    path = tmp_path / "libfake.so"
    path.write_bytes(content)
    with pytest.raises(tfnative.LoadError, match=match):
        tfnative.load(path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(tfnative.NotFoundError, match="no such file or folder"):
        tfnative.load(tmp_path / "missing")
    with pytest.raises(tfnative.LoadError, match="it is not an artifact"):
        tfnative.load(tmp_path)


def test_files_that_are_something_else(tmp_path, fake):
    refused(tmp_path, b"", "not a shared library")
    refused(tmp_path, b"hello" * 1000, "not a shared library")
    with pytest.raises(tfnative.LoadError, match="not a shared library"):
        tfnative.load(fake / "manifest.json")


def test_a_library_of_somebody_else(tmp_path, library):
    refused(tmp_path, library[: -TRAILER.size], "not an artifact of tfnative")


def test_another_machine(tmp_path, library):
    other = bytearray(library)
    other[18:20] = (243).to_bytes(2, "little")  # RISC-V
    refused(tmp_path, bytes(other), "made for RISC-V, this machine is")


@SLOW
@given(data=st.data())
def test_truncations(tmp_path, library, data):
    cut = data.draw(st.integers(0, len(library) - 1))
    refused(tmp_path, library[:cut])


@SLOW
@given(data=st.data())
def test_damage(tmp_path, library, data):
    damaged = bytearray(library)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(library) - TRAILER.size - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "libfake.so"
    path.write_bytes(damaged)
    try:
        model = tfnative.load(path)
    except tfnative.LoadError:
        return
    # The damage has undone itself: it runs.
    assert bytes(damaged) == library
    assert model.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]


def damaged_weights(library: bytes) -> bytes:
    damaged = bytearray(library)
    damaged[library.index(WEIGHTS) + 3000] ^= 16
    return bytes(damaged)


def test_a_bit_of_the_weights(tmp_path, library):
    refused(tmp_path, damaged_weights(library), "weights are damaged.*Copy the model")
    path = tmp_path / "libfake.so"
    with tfnative.load(path, verify=False) as model:
        assert model.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]
        with pytest.raises(tfnative.InvalidArgumentError, match="verify"):
            tfnative.load(path, verify="no")


@SLOW
@given(data=st.binary(min_size=TRAILER.size, max_size=TRAILER.size))
def test_any_trailer(tmp_path, library, data):
    refused(tmp_path, library[: -TRAILER.size] + b"TFNATIVE" + data[8:])


def test_a_bit_of_the_trailer(tmp_path, library):
    for bit in range(8 * TRAILER.size):
        damaged = bytearray(library)
        damaged[-1 - bit // 8] ^= 1 << bit % 8
        refused(tmp_path, bytes(damaged))


def test_appended_bytes(tmp_path, library):
    refused(tmp_path, library + b"\0", "not an artifact of tfnative")
    refused(tmp_path, library + library[-TRAILER.size :], "bytes of")


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"format": 1}', "\ud7ff"])
def test_a_broken_manifest_breaks_what_reads_it_only(tmp_path, text):
    model = tfnative.load(build_fake(tmp_path, text))
    assert model.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]
    with pytest.raises(tfnative.LoadError, match="manifest"):
        _ = model.manifest


def test_folders_with_several_libraries(tmp_path, fake):
    for name in ("liba.so", "libb.so"):
        shutil.copy(fake / "libfake.so", tmp_path / name)
    with pytest.raises(tfnative.LoadError, match="several libraries"):
        tfnative.load(tmp_path)
    assert tfnative.load(tmp_path / "liba.so").name == "fake"


def test_a_level_that_is_not_there(fake, monkeypatch):
    with pytest.raises(
        tfnative.LoadError, match="'x86-64-v9'; it has code for generic"
    ):
        tfnative.load(fake, cpu_level="x86-64-v9")
    monkeypatch.setenv("TFNATIVE_CPU_LEVEL", "x86-64-v9")
    with pytest.raises(tfnative.LoadError, match="TFNATIVE_CPU_LEVEL"):
        tfnative.load(fake)
    assert tfnative.load(fake, cpu_level="generic").cpu_level == "generic"


def test_an_artifact_that_was_replaced_is_loaded_anew(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    first = tfnative.load(build_fake(path, json.dumps(manifest())))
    new = tmp_path / "new"
    new.mkdir()
    build_fake(new, json.dumps({**manifest(), "triple": "other"}))
    shutil.move(path, tmp_path / "old")
    shutil.move(new, path)
    second = tfnative.load(path)
    assert second.manifest.triple == "other"
    assert first.manifest.triple == "any-machine"


def test_many_loads_at_random_order_of_release(fake):
    rng = random.Random(1)
    models = [tfnative.load(fake) for _ in range(50)]
    rng.shuffle(models)
    while models:
        models.pop()
        if models:
            y = models[-1].predict(np.ones((2, 3), "f4"), signature="affine")
            assert (y == 3).all()


@pytest.mark.parametrize("new", ["another model", "nothing"])
def test_a_loaded_model_stays_what_it_was_if_its_file_is_overwritten(
    tmp_path, artifacts, new
):
    # In a process of its own, which this would end if the file were mapped.
    folder = shutil.copytree(artifacts[1], tmp_path / "model")
    other = artifacts[2] / "libfake.so" if new == "another model" else os.devnull
    program = f"""
import pathlib, tfnative
library = pathlib.Path({str(folder)!r}, "libfake.so")
other = pathlib.Path({str(other)!r})
model = tfnative.load(library)
with library.open("r+b") as file:
    file.write(other.read_bytes())
    file.truncate()
print(model.predict([[1, 1, 1]], signature="affine").tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[[3.0, 3.0, 3.0]]"), done


def test_the_same_path_with_other_content_is_another_model(tmp_path, artifacts):
    folder = shutil.copytree(artifacts[1], tmp_path / "model")
    first = tfnative.load(folder)
    (folder / "libfake.so").write_bytes((artifacts[2] / "libfake.so").read_bytes())
    second = tfnative.load(folder)
    added = [m.predict([[0, 0, 0]], signature="affine")[0, 0] for m in (first, second)]
    assert added == [1, 2]


def test_in_place_the_file_itself_is_mapped(fake):
    with tfnative.load(fake, map_in_place=True) as model:
        assert model.predict([[1, 1, 1]], signature="affine").tolist() == [[3, 3, 3]]
        assert str(fake / "libfake.so") in Path("/proc/self/maps").read_text()


def test_a_library_with_start_files_is_refused_before_it_is_opened(tmp_path, fake):
    source = tmp_path / "evil.c"
    ran = tmp_path / "ran"
    source.write_text(
        "#include <stdio.h>\n"
        'static const char weights[4096] = "weights of the fake artifact";\n'
        "const void* fake_artifact(void) { return weights; }\n"
        "__attribute__((constructor)) static void run(void) {\n"
        f'  FILE* file = fopen("{ran}", "w"); if (file) fclose(file);\n'
        "}\n"
    )
    library = tmp_path / "libfake.so"
    subprocess.run(
        ["cc", "-shared", "-nostartfiles", "-fPIC", source, "-o", library], check=True
    )
    refused(tmp_path, seal(library.read_bytes(), "fake"), "code of its own when it is")
    assert not ran.exists()
