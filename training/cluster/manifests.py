# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster on Kubernetes: manifests that say what the supervisor does here.

Members that have an end are Jobs, which start again until they are done; servers, and
workers that only serve, are StatefulSets, which always start again. Both give their
pods names, by which members find each other.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.cluster.config import VARIABLE
from training.cluster.launch import Plan
from training.cluster.supervisor import APART, MAX_RESTARTS
from training.errors import ClusterError

SHARED = "/shared"
"""Where pods have the volume that all of them see."""
PORT = 2222
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_SIZE, _SUBDOMAIN_SIZE = 63, 253
"""What Kubernetes takes as names: RFC 1035's labels, RFC 1123's subdomains."""
_MEMBER_SIZE = len("-evaluator-9999")
_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_PART}(\.{_PART})*")
_INDEX = {
    "Job": "metadata.annotations['batch.kubernetes.io/job-completion-index']",
    "StatefulSet": "metadata.labels['apps.kubernetes.io/pod-index']",
}
"""Where a pod reads which of its kind it is."""


@dataclass(frozen=True)
class Pods:
    """What all pods have in common.

    Attributes:
        name: Of the service; names of pods begin with it.
        image: Has Python, this package in its working directory, and what it needs.
        claim: Of a volume that many pods may write to.
        command: What each member runs, as words.
    """

    name: str
    image: str
    claim: str
    command: tuple[str, ...]


def manifests(pods: Pods, plan: Plan, *, evaluator: bool) -> dict[str, Any]:
    """All objects of a cluster, as a List that ``kubectl apply`` takes.

    Args:
        pods: What they run.
        plan: Who is needed.
        evaluator: Whether one validates apart.

    Raises:
        ClusterError: Kubernetes would not take a name.
    """
    _check_names(pods)
    cluster = {
        job: [f"{pods.name}-{job}-{index}.{pods.name}:{PORT}" for index in range(count)]
        for job, count in plan.jobs.items()
    }
    ending = {task.job for task in plan.until}
    items = [_service(pods)]
    for job, count in plan.jobs.items():
        make = _job if job in ending else _stateful_set
        items.append(make(pods, cluster, job, count))
    if evaluator:
        items.append(_job(pods, cluster, APART, 1))
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _check_names(pods: Pods) -> None:
    longest = _LABEL_SIZE - _MEMBER_SIZE
    if not _LABEL.fullmatch(pods.name) or len(pods.name) > longest:
        raise ClusterError(
            f"{pods.name!r} names no service: choose a --name of at most {longest} of "
            "a-z, 0-9 and -, which begins with a letter, as training"
        )
    if not _SUBDOMAIN.fullmatch(pods.claim) or len(pods.claim) > _SUBDOMAIN_SIZE:
        raise ClusterError(
            f"{pods.claim!r} names no volume claim: choose a --claim of a-z, 0-9, - "
            "and ., as kubectl get pvc shows them"
        )
    if not pods.image or any(letter.isspace() for letter in pods.image):
        raise ClusterError(
            f"{pods.image!r} names no image: choose an --image as "
            "registry.example/training:1"
        )


def _service(pods: Pods) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": pods.name},
        "spec": {
            "clusterIP": "None",
            # Members look for each other before any of them is ready.
            "publishNotReadyAddresses": True,
            "selector": {"app": pods.name},
            "ports": [{"port": PORT}],
        },
    }


def _job(pods: Pods, cluster: Any, job: str, count: int) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{pods.name}-{job}"},
        "spec": {
            "completionMode": "Indexed",
            "completions": count,
            "parallelism": count,
            "backoffLimit": MAX_RESTARTS,
            "template": _template(pods, cluster, job, "Job", restart="OnFailure"),
        },
    }


def _stateful_set(pods: Pods, cluster: Any, job: str, count: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": f"{pods.name}-{job}"},
        "spec": {
            "serviceName": pods.name,
            "replicas": count,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": {"app": pods.name, "job": job}},
            "template": _template(pods, cluster, job, "StatefulSet", restart="Always"),
        },
    }


def _template(
    pods: Pods, cluster: Any, job: str, kind: str, *, restart: str
) -> dict[str, Any]:
    # Kubernetes puts the value of $(INDEX) in its place.
    task = f'{{"type": "{job}", "index": $(INDEX)}}'
    member = {
        "name": "member",
        "image": pods.image,
        "command": list(pods.command),
        "env": [
            {"name": "INDEX", "valueFrom": {"fieldRef": {"fieldPath": _INDEX[kind]}}},
            {
                "name": VARIABLE,
                "value": f'{{"cluster": {json.dumps(cluster)}, "task": {task}}}',
            },
        ],
        "ports": [{"containerPort": PORT}],
        "volumeMounts": [{"name": "shared", "mountPath": SHARED}],
    }
    volume = {"name": "shared", "persistentVolumeClaim": {"claimName": pods.claim}}
    return {
        "metadata": {"labels": {"app": pods.name, "job": job}},
        "spec": {
            "subdomain": pods.name,
            "restartPolicy": restart,
            "containers": [member],
            "volumes": [volume],
        },
    }


def unshared(paths: Sequence[tuple[str, str | None]]) -> tuple[str, str] | None:
    """The first of some options whose folder pods do not share, and that folder.

    Args:
        paths: Options with what they name: a folder, an address, or None.
    """
    for option, path in paths:
        if path is None or "://" in path:
            continue
        if posixpath.normpath(path).startswith(f"{SHARED}/"):
            continue
        return option, path
    return None
