# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster on Kubernetes: manifests that say what the supervisor does here.

Members that have an end are Jobs, which start again until they are done; servers, and
workers that only serve, are StatefulSets, which always start again. Both give their
pods names, by which members find each other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.cluster.config import VARIABLE
from training.cluster.launch import Plan
from training.cluster.supervisor import APART, MAX_RESTARTS

SHARED = "/shared"
"""Where pods have the volume that all of them see."""
PORT = 2222
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
    """
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
        if path is None or "://" in path or path.startswith(f"{SHARED}/"):
            continue
        return option, path
    return None
