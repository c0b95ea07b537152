# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""KServe finds the runtime, and a server speaks the protocols that this one names."""

from __future__ import annotations

from pathlib import Path

import pytest

for package in ("grpc", "grpc_health", "httpx", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}")

from tests.deploy.manifests import built, of_kind  # noqa: E402
from tests.deploy.pod import Pod, get  # noqa: E402

RESOURCES = built("kserve")
(RUNTIME,) = of_kind(RESOURCES, "ServingRuntime")
(SERVICE,) = of_kind(RESOURCES, "InferenceService")
# What the two kinds have for runtimes of one model, of KServe 0.15.
RUNTIME_FIELDS = {
    *("annotations", "supportedModelFormats", "multiModel", "protocolVersions"),
    *("containers", "volumes", "affinity", "tolerations", "nodeSelector", "labels"),
}
PREDICTOR_FIELDS = {
    *("minReplicas", "maxReplicas", "terminationGracePeriodSeconds", "model"),
    *("scaleTarget", "scaleMetric", "serviceAccountName", "timeout"),
}
MODEL_FIELDS = {"modelFormat", "runtime", "protocolVersion", "storageUri", "resources"}
PROTOCOLS = {"v1", "v2", "grpc-v1", "grpc-v2"}


def test_fields_are_those_of_kserve():
    assert RUNTIME["spec"].keys() <= RUNTIME_FIELDS
    assert SERVICE["spec"]["predictor"].keys() <= PREDICTOR_FIELDS
    assert SERVICE["spec"]["predictor"]["model"].keys() <= MODEL_FIELDS
    assert set(RUNTIME["spec"]["protocolVersions"]) <= PROTOCOLS
    # KServe mounts the model into the container with this name.
    (container,) = RUNTIME["spec"]["containers"]
    assert container["name"] == "kserve-container"
    assert "--name={{.Name}}" in container["args"]


def test_a_service_asks_for_what_the_runtime_has():
    model = SERVICE["spec"]["predictor"]["model"]
    formats = {one["name"] for one in RUNTIME["spec"]["supportedModelFormats"]}
    assert model["modelFormat"]["name"] in formats
    assert model["runtime"] == RUNTIME["metadata"]["name"]
    assert model["protocolVersion"] in RUNTIME["spec"]["protocolVersions"]
    claims = of_kind(built("overlays/volume"), "PersistentVolumeClaim")
    named = {f"pvc://{claim['metadata']['name']}/digits" for claim in claims}
    assert model["storageUri"] in named


def test_a_server_speaks_the_open_inference_protocol(models: Path):
    """test_probes.py asks the same server by TensorFlow Serving's, which is v1."""
    pod = Pod("kserve", {"/mnt/models": models / "digits"})
    try:
        statuses = {
            path: get(f"{pod.server.rest}{path}")[0]
            for path in (
                *("/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"),
                "/v2/models/digits?signature_name=affine",
            )
        }
    finally:
        pod.server.kill()
    assert set(statuses.values()) == {200}, statuses
    assert {"v2", "grpc-v2"} <= set(RUNTIME["spec"]["protocolVersions"])
