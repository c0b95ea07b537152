# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Objects of an overlay fit each other, and pods have no more rights than they need."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.manifests import (
    DEPLOY,
    OVERLAYS,
    SERVERS,
    built,
    containers,
    flag,
    of_kind,
    pod_templates,
    servers,
)
from tfnative import cli
from tools.docs import cli_reference

PODS = [name for name in OVERLAYS if list(pod_templates(built(name)))]
SERVE = "tfnative serve"
OTHER_MEMORY = 256 << 20
"""Bytes for Python, the server, and a model like those that are tested here."""
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def quantity(text: str) -> float:
    """A number of Kubernetes', as bytes or processors."""
    number, unit = re.fullmatch(r"([0-9.]+)(\w*)", text).groups()
    return float(number) * {"": 1, "m": 0.001, **UNITS}[unit]


def selectors(one: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Labels by which an object chooses pods of this overlay."""
    spec, kind = one.get("spec", {}), one["kind"]
    if kind == "Service":
        yield spec["selector"]
    elif kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
        yield spec["selector"]["matchLabels"]
    elif kind == "NetworkPolicy":
        yield spec["podSelector"]["matchLabels"]
    for spread in (
        spec.get("template", {}).get("spec", {}).get("topologySpreadConstraints", ())
    ):
        yield spread["labelSelector"]["matchLabels"]


@pytest.mark.parametrize("overlay", PODS)
def test_each_selector_matches_pods(overlay: str):
    resources = built(overlay)
    labels = [
        pod["metadata"].get("labels", {}).items() for _, pod in pod_templates(resources)
    ]
    for one in resources:
        for wanted in selectors(one):
            assert any(wanted.items() <= found for found in labels), one
        if one["kind"] in ("Deployment", "StatefulSet"):
            (wanted, *_) = selectors(one)
            own = one["spec"]["template"]["metadata"]["labels"]
            assert wanted.items() <= own.items()


@pytest.mark.parametrize("overlay", SERVERS)
def test_what_is_scaled_exists_and_its_replicas_are_not_set_twice(overlay: str):
    resources = built(overlay)
    (deployment,) = of_kind(resources, "Deployment")
    (scaler,) = of_kind(resources, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"]
    assert target["apiVersion"] == deployment["apiVersion"]
    assert "replicas" not in deployment["spec"]
    (budget,) = of_kind(resources, "PodDisruptionBudget")
    # Of a single pod, none could be taken away without an outage.
    assert scaler["spec"]["minReplicas"] > budget["spec"]["maxUnavailable"] >= 1


def named_ports(overlay: str) -> Iterator[tuple[str, str | int]]:
    """Ports of pods that something names, with who does."""
    resources = built(overlay)
    for _, pod in pod_templates(resources):
        for container in containers(pod):
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                for how in ("httpGet", "grpc"):
                    if how in container.get(kind, {}):
                        yield kind, container[kind][how]["port"]
    for policy in of_kind(resources, "NetworkPolicy"):
        for rule in policy["spec"]["ingress"]:
            for port in rule["ports"]:
                yield "NetworkPolicy", port["port"]
    for service in of_kind(resources, "Service"):
        for port in service["spec"]["ports"]:
            yield "Service", port.get("targetPort", port["port"])


@pytest.mark.parametrize("overlay", PODS)
def test_each_port_that_is_named_exists(overlay: str):
    ports: set[str | int] = set()
    for _, pod in pod_templates(built(overlay)):
        for container in containers(pod):
            for port in container.get("ports", ()):
                ports |= {port["containerPort"], port.get("name", "")}
    named = list(named_ports(overlay))
    assert named
    assert [(who, port) for who, port in named if port not in ports] == []


@pytest.mark.parametrize("overlay", [*SERVERS, "kserve"])
def test_arguments_are_those_of_the_command_and_its_ports_are_open(overlay: str):
    known = cli_reference.flags(dict(cli_reference.commands(cli.make_parser()))[SERVE])
    for _, container in servers(built(overlay)):
        # As a whole: argparse takes the beginning of a name, too.
        names = {a.partition("=")[0] for a in container["args"] if a.startswith("--")}
        assert names <= known
        options = cli.make_parser().parse_args(["serve", *container["args"]])
        assert options.host == "0.0.0.0"
        ports = {port["containerPort"] for port in container["ports"]}
        assert ports <= {options.port, options.rest_port}


@pytest.mark.parametrize("overlay", SERVERS)
def test_a_pod_has_longer_to_end_than_its_server(overlay: str):
    for pod, container in servers(built(overlay)):
        drain = float(flag(container, "--drain-seconds") or 30)
        before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert before >= 2
        grace = pod["spec"]["terminationGracePeriodSeconds"]
        assert grace >= before + drain + 5
        # Nodes learn that a pod is not ready before it is killed, too.
        probe = container["readinessProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] <= before


def test_kserve_has_longer_to_end_than_its_server():
    resources = built("kserve")
    ((_, container),) = servers(resources)
    (service,) = of_kind(resources, "InferenceService")
    grace = service["spec"]["predictor"]["terminationGracePeriodSeconds"]
    assert grace >= float(flag(container, "--drain-seconds")) + 5


@pytest.mark.parametrize("overlay", [*SERVERS, "kserve"])
def test_what_requests_may_take_fits_into_the_memory(overlay: str):
    for _, container in servers(built(overlay)):
        limit = quantity(container["resources"]["limits"]["memory"])
        inflight = int(flag(container, "--max-inflight-bytes"))
        assert limit >= inflight + OTHER_MEMORY
        assert inflight >= int(flag(container, "--max-request-bytes"))
        assert quantity(container["resources"]["requests"]["cpu"]).is_integer()


@pytest.mark.parametrize("overlay", PODS)
def test_no_pod_has_rights(overlay: str):
    for name, pod in pod_templates(built(overlay)):
        for container in containers(pod):
            both = {
                **pod["spec"].get("securityContext", {}),
                **container["securityContext"],
            }
            assert both["runAsNonRoot"] is True, name
            assert both["runAsUser"] > 0, name
            assert both["allowPrivilegeEscalation"] is False, name
            assert both["capabilities"] == {"drop": ["ALL"]}, name
            assert both["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert "privileged" not in both, name
            # TensorFlow, which trains, writes to the folder of its image.
            assert both.get("readOnlyRootFilesystem") or "training" in overlay, name
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys(), name
            assert "memory" in resources["limits"], name
            for kind, most in resources["limits"].items():
                assert quantity(resources["requests"][kind]) <= quantity(most)
        for field in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            assert field not in pod["spec"], name
        if "kserve" not in overlay:
            assert pod["spec"]["automountServiceAccountToken"] is False, name


@pytest.mark.parametrize("overlay", PODS)
def test_each_mount_has_a_volume_and_each_volume_what_it_names(overlay: str):
    resources = built(overlay)
    there = {(one["kind"], one["metadata"]["name"]) for one in resources}
    for name, pod in pod_templates(resources):
        volumes = {one["name"]: one for one in pod["spec"].get("volumes", ())}
        used = set()
        for container in containers(pod):
            mounts = container.get("volumeMounts", ())
            used |= {mount["name"] for mount in mounts}
            paths = [mount["mountPath"] for mount in mounts]
            assert len(paths) == len(set(paths)), name
        assert used == volumes.keys(), name
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                assert ("PersistentVolumeClaim", claim) in there
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
        account = pod["spec"].get("serviceAccountName")
        assert account is None or ("ServiceAccount", account) in there


@pytest.mark.parametrize("overlay", SERVERS)
def test_files_that_arguments_name_are_mounted_and_read_only(overlay: str):
    for _, container in servers(built(overlay)):
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        paths = [argument.rpartition("=")[2] for argument in container["args"]]
        named = [path for path in paths if path.startswith("/")]
        assert named
        for path in named:
            (mount,) = [
                m for at, m in mounts.items() if f"{path}/".startswith(f"{at}/")
            ]
            assert mount["readOnly"] is True


@pytest.mark.parametrize("overlay", SERVERS)
def test_only_clients_and_prometheus_reach_a_server(overlay: str):
    (policy,) = of_kind(built(overlay), "NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["egress"] == []
    for rule in policy["spec"]["ingress"]:
        assert rule["from"]
        assert rule["ports"]


def test_what_prometheus_scrapes_is_a_service_with_that_port():
    resources = built("overlays/monitored")
    (monitor,) = of_kind(resources, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = [
        one
        for one in of_kind(resources, "Service")
        if wanted <= one["metadata"]["labels"].items()
    ]
    ports = {port["name"] for port in service["spec"]["ports"]}
    assert {e["port"] for e in monitor["spec"]["endpoints"]} <= ports


@pytest.mark.parametrize("strategy", ["multi-worker", "ps-async", "ps-sync"])
def test_clusters_of_training_are_what_their_command_prints(strategy: str, capsys):
    from training.cli.main import main

    folder = DEPLOY / "training" / strategy
    text = (folder / "kustomization.yaml").read_text()
    comment = re.search(r"# +python -m training (.*(?:\n#    .*)+)", text)[1]
    assert main(shlex.split(comment.replace("\n#", " "))) == 0
    printed = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "cluster.json").read_text()) == printed
    assert f"--strategy {strategy}" in comment
