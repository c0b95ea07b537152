# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A root folder as an image has it: Python, our packages, the libraries that they load.

No registry is asked: the base is this machine's Python, and packages are copied from
where the tests have them installed, file by file as their wheels list them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

import tfnative

SITE = Path("/opt/tfnative")
USER = 65532
GIVEN = ("/proc", "/dev/null", "/dev/urandom")
"""Of what every container gets from its engine, what a server needs."""
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "ensurepip", "idlelib"}
LEFT_OUT |= {"lib2to3", "tkinter", "turtledemo", "pydoc_data", "__pycache__"}
_LOADED = re.compile(r"=> (/\S+) \(|^\s+(/\S+) \(", re.MULTILINE)
_IMPORT = "import tfnative.cli, tfnative.serving.server.server"


def distributions(name: str, *extras: str) -> dict[str, metadata.Distribution]:
    """What installing a package with extras brings, by normalized names."""
    found: dict[str, metadata.Distribution] = {}
    _collect(name, extras, found)
    return found


def _collect(
    name: str, extras: Iterable[str], found: dict[str, metadata.Distribution]
) -> None:
    key = _normalized(name)
    try:
        one = found.setdefault(key, metadata.distribution(name))
    except metadata.PackageNotFoundError:
        print(f"{name} is not installed here, and not counted")
        return
    environments = [{"extra": extra} for extra in extras or ("",)]
    for needed in map(Requirement, one.requires or ()):
        marker = needed.marker
        is_needed = marker is None or any(map(marker.evaluate, environments))
        if is_needed and _normalized(needed.name) not in found:
            _collect(needed.name, needed.extras, found)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def add_packages(root: Path) -> Path:
    """Puts what a server needs into the root, and returns its folder there."""
    site = root / SITE.relative_to("/")
    for key, one in distributions("tfnative", "serving").items():
        if key != "tfnative":
            _add_files(one, site)
    # Whole, with what has changed since it was installed.
    installed = Path(tfnative.__file__).parents[1]
    for name in ("tfnative", "tfnative_aot"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(installed / name, site / name, ignore=ignored)
    environment = {"PYTHONPATH": str(site), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-S", "-c", _IMPORT]
    subprocess.run(command, env=environment, check=True)
    return site


def _add_files(one: metadata.Distribution, site: Path) -> None:
    for file in one.files or ():
        # Programs lie beside the packages; what Python compiled is not shipped.
        if file.parts[0] == ".." or "__pycache__" in file.parts:
            continue
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)


def add_python(root: Path) -> Path:
    """Puts this machine's Python into the root, and returns its path there."""
    base = Path(sys.base_prefix)
    paths = {"base": str(base), "platbase": str(base), "installed_base": str(base)}
    program = Path(sys.executable).resolve()
    _copy(root, program)
    for name in ("stdlib", "platstdlib"):
        folder = Path(sysconfig.get_path(name, vars=paths))
        target = root / folder.relative_to("/")
        if not target.exists():
            left_out = shutil.ignore_patterns(*LEFT_OUT, "config-*", "*.a")
            shutil.copytree(folder, target, ignore=left_out)
    return program


def add_libraries(root: Path, program: Path) -> None:
    """Copies whatever the dynamic linker would look for outside the root."""
    inside = [path for path in root.rglob("*.so*") if path.is_file()]
    done = subprocess.run(
        ["ldd", program, *inside], capture_output=True, text=True, check=False
    )
    found = {a or b for a, b in _LOADED.findall(done.stdout)}
    for path in map(Path, sorted(found)):
        if root not in path.parents:
            _copy(root, path)


def _copy(root: Path, path: Path) -> None:
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def add_places(root: Path) -> None:
    """Makes places for what an engine mounts."""
    (root / "proc").mkdir()
    (root / "dev").mkdir()
    for name in GIVEN:
        if not (root / name[1:]).exists():
            (root / name[1:]).touch()


def megabytes(folder: Path) -> float:
    """Of all files, in millions of bytes."""
    sizes = (p.stat().st_size for p in folder.rglob("*") if not p.is_symlink())
    return sum(sizes) / 1e6


def cannot_change_root() -> str:
    """Why a process cannot be given a root of its own here; empty if it can."""
    if os.geteuid() != 0:
        return "needs root to change a process's root"
    for program in ("unshare", "chroot", "ldd", "mount"):
        if shutil.which(program) is None:
            return f"needs {program}"
    script = "mount --bind / /mnt && mount -o remount,ro,bind /mnt"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"cannot mount here: {done.stderr.strip()}" if done.returncode else ""


def confined(root: Path, *command: str) -> list[str]:
    """A command that runs in a read-only root, as a user without rights.

    It is the same process in the end, so that signals reach it.
    """
    mounts = [
        'mount --bind "$0" "$0"',
        *(
            f'mount --rbind {name} "$0{name}"'
            for name in GIVEN
            if (root / name[1:]).exists()
        ),
        'mount -o remount,ro,bind "$0"',
        f'exec chroot --userspec={USER}:{USER} "$0" "$@"',
    ]
    return ["unshare", "--mount", "sh", "-c", " && ".join(mounts), str(root), *command]
