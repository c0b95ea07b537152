# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that Bazel builds predict what TensorFlow predicts, without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import tfnative
import tfnative_aot
from tests.models import ZOO, ModelCase
from tfnative.cache import path as cache_path
from tfnative_aot.load.load_model import load_model

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "aot" / "bazel"
EXAMPLE = ROOT / "examples" / "bazel"
DEBIAN = {
    "bazel-bootstrap": Path("/usr/bin/bazel-4"),
    "bazel-platforms": Path("/usr/share/bazel/tools/platforms"),
    "bazel-rules-java": Path("/usr/share/bazel/rules/java"),
    "bazel-rules-proto": Path("/usr/share/bazel/rules/proto"),
}

needs_bazel = pytest.mark.skipif(
    not all(path.exists() for path in DEBIAN.values()),
    reason=f"needs Debian's packages {', '.join(DEBIAN)}",
)


@dataclass(frozen=True)
class Workspace:
    """A copy of the example, and a Bazel server for it."""

    folder: Path
    state: Path

    def bazel(self, command: str, *arguments: str) -> str:
        """What a command of Bazel, which has to succeed, prints."""
        startup = ["--nohome_rc", f"--output_user_root={self.state}"]
        words = [DEBIAN["bazel-bootstrap"], *startup, command]
        done = subprocess.run(
            [*words, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def build(self, *targets: str) -> Path:
        """Builds, and returns the folder of what was built."""
        packages = [Path(m.__file__).parents[1] for m in (tfnative_aot, tfnative)]
        cache = cache_path()
        cache.mkdir(parents=True, exist_ok=True)
        rules_cc = RULES / "debian" / "rules_cc"
        self.bazel(
            "build",
            "--config=debian",
            f"--override_repository=rules_cc={rules_cc}",
            f"--action_env=TFNATIVE_PYTHON={sys.executable}",
            f"--action_env=PYTHONPATH={os.pathsep.join(map(str, packages))}",
            f"--action_env=TFNATIVE_CACHE={cache}",
            f"--sandbox_writable_path={cache}",
            *targets,
        )
        return self.folder / "bazel-bin"

    def add_package(self, name: str, build_file: str) -> Path:
        """Makes a package that has the example's program, too."""
        package = self.folder / name
        package.mkdir()
        (package / "BUILD.bazel").write_text(
            'load("@rules_cc//cc:defs.bzl", "cc_binary")\n' + build_file
        )
        shutil.copy(EXAMPLE / "predict.cc", package)
        return package


Export = Callable[[ModelCase], Path]


@pytest.fixture(scope="module")
def workspace(
    export: Export, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("bazel")
    folder = root / "examples" / "bazel"
    model = folder / "saved_models" / "digits"
    ignored = shutil.ignore_patterns("bazel-*", "saved_models")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    shutil.copytree(RULES, root / "aot" / "bazel")
    shutil.copytree(export(ZOO["digits_cnn"]), model)
    made = Workspace(folder, root / "state")
    yield made
    made.bazel("shutdown")


@pytest.fixture(scope="module")
def built(workspace: Workspace) -> Path:
    """Where Bazel leaves the example's program and artifact."""
    return workspace.build("//:predict", "//:digits_artifact")


@pytest.fixture(scope="module")
def artifact(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact that Bazel made, out of its reach."""
    folder = tmp_path_factory.mktemp("artifact") / "digits"
    shutil.copytree(built / "digits_artifact", folder)
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def expected(workspace: Workspace) -> NDArray[np.float32]:
    """TensorFlow's probabilities for the program's image."""
    model = load_model(workspace.folder / "saved_models" / "digits")
    return model.run("serving_default", {"image": image()})["probabilities"][0]


def image() -> NDArray[np.float32]:
    rows = re.findall(r'"([ #]{8})"', (EXAMPLE / "predict.cc").read_text())
    pixels = np.array([[pixel == "#" for pixel in row] for row in rows], np.float32)
    return pixels.reshape(1, 8, 8, 1)


def printed(program: Path) -> NDArray[np.float32]:
    """The probabilities that the program prints."""
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [int(digit) for digit, _ in lines] == list(range(10))
    return np.array([float(probability) for _, probability in lines], np.float32)


def needs_library(program: Path) -> bool:
    """Whether the program has the shared library's name; the manifest quotes it."""
    return b"\0libdigits.so\0" in program.read_bytes()


@needs_bazel
@pytest.mark.slow
def test_the_example_predicts_what_tensorflow_predicts(
    built: Path, expected: NDArray[np.float32]
) -> None:
    np.testing.assert_allclose(printed(built / "predict"), expected, atol=1e-5)


@needs_bazel
@pytest.mark.slow
def test_python_loads_the_artifact_that_bazel_made(
    artifact: Path, expected: NDArray[np.float32]
) -> None:
    with tfnative.load(artifact) as model:
        np.testing.assert_allclose(model.predict(image())[0], expected, atol=1e-5)
        assert model.manifest.signatures["serving_default"].batch_sizes == (1, 8)


@needs_bazel
@pytest.mark.slow
def test_an_artifact_is_a_package(
    artifact: Path, workspace: Workspace, expected: NDArray[np.float32]
) -> None:
    package = workspace.add_package(
        "finished",
        """
[cc_binary(
    name = name,
    srcs = ["predict.cc"],
    data = ["//finished/digits:digits_artifact"],
    linkstatic = name == "static",
    deps = ["//finished/digits"],
) for name in ("static", "shared")]
""",
    )
    shutil.copytree(artifact, package / "digits")
    folder = workspace.build("//finished:static", "//finished:shared") / "finished"
    for name in ("static", "shared"):
        np.testing.assert_allclose(printed(folder / name), expected, atol=1e-5)
        assert needs_library(folder / name) == (name == "shared")
    runfiles = folder / "shared.runfiles" / "digits_example" / "finished" / "digits"
    assert (runfiles / "manifest.json").exists()


@needs_bazel
@pytest.mark.slow
def test_what_the_rule_is_told_reaches_the_compiler(
    artifact: Path, workspace: Workspace, expected: NDArray[np.float32]
) -> None:
    package = workspace.add_package(
        "told",
        """
load("@tfnative//:defs.bzl", "tfnative_library")

sh_binary(name = "fake_compiler", srcs = ["fake_compiler.sh"])

tfnative_library(
    name = "digits",
    saved_model = "model.pb",
    batch_sizes = [1, 8],
    compiler = ":fake_compiler",
    options = ["--cpu", "x86-64-v3"],
    signatures = ["serving_default", "other"],
    static = False,
    tags = ["manual"],
    target = select({"//conditions:default": "linux-x86_64"}),
)

cc_binary(name = "predict", srcs = ["predict.cc"], deps = [":digits"])
""",
    )
    (package / "model.pb").touch()
    compiler = package / "fake_compiler.sh"
    compiler.write_text(
        "#!/bin/sh\nset -e\nall=$*\n"
        "while [ $# != 1 ]; do shift; done\n"
        f'mkdir -p "$1"\ncp -R {artifact}/. "$1"\necho "$all" >"$1/arguments"\n'
    )
    compiler.chmod(0o755)
    folder = workspace.build("//told:predict") / "told"
    np.testing.assert_allclose(printed(folder / "predict"), expected, atol=1e-5)
    assert needs_library(folder / "predict")
    arguments = (folder / "digits_artifact" / "arguments").read_text()
    assert arguments.partition(" --output")[0] == (
        "compile told/model.pb --name digits --batch-sizes 1,8 "
        "--signature serving_default --signature other --target linux-x86_64 "
        "--cpu x86-64-v3"
    )


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("/nowhere/python", "there is no Python /nowhere/python"),
        ("false", "has no tfnative that can compile"),
    ],
)
def test_a_python_without_tfnative_is_refused(
    python: str, message: str, tmp_path: Path
) -> None:
    outputs = [str(tmp_path / name) for name in ("artifact", "include", "lib.a")]
    done = subprocess.run(
        [RULES / "compile.sh", "", *outputs, "model"],
        env={**os.environ, "TFNATIVE_PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "--action_env=TFNATIVE_PYTHON=" in done.stderr
    assert list(tmp_path.iterdir()) == []
