# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The part of Kustomize that deploy/ uses, for machines without `kubectl`.

What it does not know it refuses, so that nothing is left out in silence. Where there is
a `kubectl`, test_kustomize.py compares the two.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]
_KEYS = ("name", "mountPath", "containerPort", "port")
"""By which lists of objects are merged."""
_KNOWN = {"apiVersion", "kind", "resources", "components", "patches"}


class UnknownFieldError(Exception):
    """A kustomization says what this does not do."""


def build(folder: Path) -> list[Resource]:
    """All objects of a kustomization.

    Raises:
        UnknownFieldError: It uses more than this knows.
    """
    return _apply(folder, [])


def _apply(folder: Path, found: list[Resource]) -> list[Resource]:
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = plan.keys() - _KNOWN - {"configMapGenerator"}
    if unknown:
        raise UnknownFieldError(f"{folder}: {sorted(unknown)}")
    for name in plan.get("resources", ()):
        path = folder / name
        found += build(path) if path.is_dir() else _read(path)
    for generator in plan.get("configMapGenerator", ()):
        found.append(_config_map(folder, generator))
    for patch in plan.get("patches", ()):
        _patch(folder, patch, found)
    for name in plan.get("components", ()):
        found = _apply(folder / name, found)
    return found


def _read(path: Path) -> list[Resource]:
    objects: list[Resource] = []
    for document in yaml.safe_load_all(path.read_text()):
        is_list = document["kind"] == "List"
        objects += document["items"] if is_list else [document]
    return objects


def _config_map(folder: Path, generator: dict[str, Any]) -> Resource:
    options = generator.get("options", {})
    unknown = generator.keys() - {"name", "files", "options"}
    unknown |= options.keys() - {"disableNameSuffixHash", "labels"}
    if unknown:
        raise UnknownFieldError(f"{folder}: {sorted(unknown)}")
    metadata = {"name": generator["name"]}
    if "labels" in options:
        metadata["labels"] = options["labels"]
    data = {name: (folder / name).read_text() for name in generator["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _patch(folder: Path, patch: dict[str, Any], found: list[Resource]) -> None:
    if unknown := patch.keys() - {"path", "target"}:
        raise UnknownFieldError(f"{folder}: {sorted(unknown)}")
    content = yaml.safe_load((folder / patch["path"]).read_text())
    is_merge = isinstance(content, dict)
    target = patch.get("target") or {
        "kind": content["kind"],
        "name": content["metadata"]["name"],
    }
    chosen = [one for one in found if _is_meant(one, target)]
    if not chosen:
        raise UnknownFieldError(f"{folder}: {patch} meets nothing")
    for one in chosen:
        if is_merge:
            body = {key: content[key] for key in content if key == "spec"}
            one.update(_merged(one, body))
        else:
            for step in content:
                _step(one, step)


def _is_meant(one: Resource, target: dict[str, Any]) -> bool:
    values = {"kind": one["kind"], "name": one["metadata"]["name"]}
    values["group"], _, values["version"] = one["apiVersion"].rpartition("/")
    return all(re.fullmatch(str(want), values[key]) for key, want in target.items())


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        if any(str(key).startswith("$") for key in new):
            raise UnknownFieldError(str(new))
        both = copy.deepcopy(old)
        for key, value in new.items():
            both[key] = _merged(old.get(key), value)
        return both
    if isinstance(old, list) and isinstance(new, list):
        for key in _KEYS:
            if all(isinstance(one, dict) and key in one for one in (*old, *new)):
                by_key = {one[key]: one for one in old}
                for one in new:
                    by_key[one[key]] = _merged(by_key.get(one[key]), one)
                return list(by_key.values())
    return copy.deepcopy(new)


def _step(one: Any, step: dict[str, Any]) -> None:
    if step["op"] != "add" or not step["path"].endswith("/-"):
        raise UnknownFieldError(str(step))
    for part in step["path"].split("/")[1:-1]:
        one = one[int(part) if isinstance(one, list) else part]
    one.append(step["value"])
