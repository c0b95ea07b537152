# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Overlays can be built, and without `kubectl` they are the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import kustomize
from tests.deploy.manifests import DEPLOY, OVERLAYS, built, tool, without_digests


def test_there_is_an_overlay_for_each_place_of_a_model():
    wanted = {"volume", "init-container", "oci-artifact", "monitored"}
    assert {f"overlays/{name}" for name in wanted} <= set(OVERLAYS)
    assert {"kserve", "training/multi-worker", "training/ps-async"} <= set(OVERLAYS)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(tool() is None, reason="needs kubectl or kustomize to compare")
def test_our_part_of_kustomize_builds_what_kubectl_builds(overlay: str):
    theirs = built(overlay)
    text = without_digests(json.dumps(theirs), theirs)
    ours = kustomize.build(DEPLOY / overlay)
    assert ordered(ours) == ordered(json.loads(text))


def ordered(value: Any) -> Any:
    """The same, with objects of lists in an order of their own."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        inner = [ordered(one) for one in value]
        if all(isinstance(one, dict) for one in inner):
            return sorted(inner, key=json.dumps)
        return inner
    return value


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_object_is_there_twice(overlay: str):
    names = [
        (one["apiVersion"], one["kind"], one["metadata"]["name"])
        for one in built(overlay)
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "field",
    [
        "namePrefix: a-",
        "patches: [{patch: '{}'}]",
        "configMapGenerator: [{name: a, literals: [a=b]}]",
    ],
)
def test_what_our_part_does_not_know_it_refuses(tmp_path: Path, field: str):
    (tmp_path / "kustomization.yaml").write_text(f"kind: Kustomization\n{field}\n")
    with pytest.raises(kustomize.UnknownFieldError):
        kustomize.build(tmp_path)


def test_every_file_is_used_or_meant_for_another_tool():
    others = {"components/queue-time/adapter-values.yaml", "docker-compose.yml"}
    used: set[str] = set(others)
    for path in DEPLOY.rglob("kustomization.yaml"):
        plan = yaml.safe_load(path.read_text())
        named = [*plan.get("resources", ())]
        named += [patch["path"] for patch in plan.get("patches", ())]
        for generator in plan.get("configMapGenerator", ()):
            named += generator["files"]
        used |= {(path.parent / n).relative_to(DEPLOY).as_posix() for n in named}
    files = [
        path.relative_to(DEPLOY).as_posix()
        for path in DEPLOY.rglob("*")
        if path.suffix in (".yaml", ".yml", ".json") and "kustom" not in path.name
    ]
    assert [name for name in files if name not in used] == []


@pytest.mark.skipif(tool() is None, reason="needs kubectl or kustomize")
def test_the_overlay_that_the_page_shows_is_one(tmp_path: Path):
    page = (DEPLOY.parent / "docs" / "kubernetes.md").read_text()
    shown = page.split("```yaml\n")[1].split("```")[0]
    labels = re.search(r"`(labels: \[.*\])`", page)[1]
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    own = tmp_path / "deploy" / "overlays" / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(f"{shown}{labels}\n")
    done = subprocess.run([*tool(), str(own)], capture_output=True, check=True)
    resources = list(yaml.safe_load_all(done.stdout))
    (deployment,) = [one for one in resources if one["kind"] == "Deployment"]
    (service,) = [one for one in resources if one["kind"] == "Service"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert deployment["metadata"]["name"] == "reviews-tfnative"
    assert container["image"] == "registry.here/tfnative:7"
    assert container["args"][0] == "/models/reviews"
    pods = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == pods
    assert len(pods) == 2
