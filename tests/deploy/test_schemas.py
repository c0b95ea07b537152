# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Kubernetes' own schemas take all manifests."""

from __future__ import annotations

import pytest

from tests.deploy.manifests import OVERLAYS, built, of_kind, pod_templates

validate = pytest.importorskip(
    "kubernetes_validate", reason="needs kubernetes-validate"
)
OLDEST = "1.33"
"""That mounts images, which one overlay does."""
OTHERS = {"monitoring.coreos.com", "serving.kserve.io"}
"""Groups that are no part of Kubernetes; other tests look at their objects."""


def own(overlay: str) -> list[dict]:
    return [
        one
        for one in built(overlay)
        if one["apiVersion"].partition("/")[0] not in OTHERS
    ]


@pytest.mark.parametrize("version", [OLDEST, validate.latest_version()])
@pytest.mark.parametrize("overlay", [name for name in OVERLAYS if own(name)])
def test_every_object_is_valid(overlay: str, version: str):
    for one in own(overlay):
        validate.validate(one, version, strict=True)


def test_a_wrong_field_would_be_seen():
    (deployment,) = of_kind(built("overlays/volume"), "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(validate.ValidationError):
        validate.validate(deployment, OLDEST, strict=True)


def test_containers_of_kserve_are_those_of_a_pod():
    for name, pod in pod_templates(built("kserve")):
        spec = {"containers": pod["spec"]["containers"]}
        one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
        validate.validate({**one, "spec": spec}, OLDEST, strict=True)
