# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The manifests of deploy/, as a cluster would get them."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy import kustomize

Resource = dict[str, Any]
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
OVERLAYS = sorted(
    path.parent.relative_to(DEPLOY).as_posix()
    for path in DEPLOY.rglob("kustomization.yaml")
    if "kind: Kustomization" in path.read_text() and path.parent.name != "base"
)
"""All that can be applied, by the folder."""
SERVERS = [name for name in OVERLAYS if name.startswith("overlays/")]
_DIGEST = re.compile(r"-[a-z0-9]{10}")


def tool() -> list[str] | None:
    """The command that builds a kustomization, if there is one."""
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    return ["kubectl", "kustomize"] if shutil.which("kubectl") else None


@functools.cache
def _built(overlay: str) -> str:
    command = tool()
    if command is None:
        print("no kubectl and no kustomize here: tests/deploy/kustomize.py builds")
        return yaml.safe_dump_all(kustomize.build(DEPLOY / overlay))
    done = subprocess.run(
        [*command, str(DEPLOY / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(overlay: str) -> list[Resource]:
    """The objects of an overlay: by `kubectl`, or by our own part of Kustomize."""
    return list(yaml.safe_load_all(_built(overlay)))


def without_digests(text: str, resources: list[Resource]) -> str:
    """Names of ConfigMaps as their generators say them."""
    for one in resources:
        name = one["metadata"]["name"]
        if one["kind"] == "ConfigMap" and _DIGEST.fullmatch(name[-11:]):
            text = text.replace(name, name[:-11])
    return text


def of_kind(resources: list[Resource], *kinds: str) -> list[Resource]:
    return [one for one in resources if one["kind"] in kinds]


def pod_templates(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    """The pods that are made, each with the name of what makes it."""
    for one in of_kind(resources, "Deployment", "Job", "StatefulSet"):
        yield one["metadata"]["name"], one["spec"]["template"]
    for one in of_kind(resources, "ServingRuntime"):
        yield one["metadata"]["name"], {"metadata": {}, "spec": one["spec"]}


def containers(pod: Resource) -> list[Resource]:
    """All of a pod, those that run before others too."""
    spec = pod["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def servers(resources: list[Resource]) -> list[tuple[Resource, Resource]]:
    """Containers that run `tfnative serve`, with their pods."""
    return [
        (pod, container)
        for _, pod in pod_templates(resources)
        for container in containers(pod)
        if container.get("command") == ["tfnative", "serve"]
    ]


def flag(container: Resource, name: str) -> str | None:
    """The value that a server's arguments give to a flag."""
    for argument in container["args"]:
        found, _, value = argument.partition("=")
        if found == name:
            return str(value)
    return None
