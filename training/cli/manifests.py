# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training manifests``: a cluster of ``fit``, for Kubernetes."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import Any

from training import strategies
from training.cli.fit import add_options, options_of
from training.cluster.manifests import SHARED, Pods, manifests, unshared
from training.errors import TrainingError


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "manifests",
        help="write a cluster of fit for Kubernetes",
        description="Prints manifests, for kubectl apply -f -. What follows their "
        "options is the command of each member: fit, with its options.",
    )
    add = parser.add_argument
    add("--image", required=True, help="of the pods: has this package and tfnative")
    add("--claim", required=True, help="a volume that pods share, as their " + SHARED)
    add("--name", default="training", help="of the service (default: %(default)s)")
    add("fit", nargs=argparse.REMAINDER, metavar="fit ...", help="what members run")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Prints the manifests as JSON, which YAML is, too."""
    if not parsed.fit or parsed.fit[0] != "fit":
        raise TrainingError(
            "name what members run: python -m training manifests --image IMAGE "
            "--claim CLAIM fit --strategy ps-async ..."
        )
    inner = argparse.ArgumentParser(prog="python -m training manifests ... fit")
    add_options(inner)
    options = options_of(inner.parse_args(parsed.fit[1:]))
    if options.strategy not in strategies.CLUSTERS:
        raise TrainingError(
            f"{options.strategy} has no cluster: choose --strategy "
            f"{' or '.join(strategies.CLUSTERS)}"
        )
    strategies.check_options(options)
    if options.checkpoints is None:
        raise TrainingError(
            f"members share checkpoints: add --checkpoints {SHARED}/checkpoints"
        )
    folders = (
        ("--checkpoints", options.checkpoints),
        ("--data-folder", options.data_folder),
        ("--output", options.output),
        ("--logs", options.logs),
        ("--run-folder", options.run_folder),
    )
    alone = unshared(
        [(option, None if at is None else str(at)) for option, at in folders]
    )
    if alone is not None:
        raise TrainingError(
            f"{alone[0]} {alone[1]} is of one pod alone: choose a folder below {SHARED}"
        )
    module = importlib.import_module(strategies.STRATEGIES[options.strategy])
    pods = Pods(
        *(parsed.name, parsed.image, parsed.claim),
        command=("python", "-m", "training", *parsed.fit),
    )
    found = manifests(pods, module.plan(options), evaluator=options.evaluator)
    print(json.dumps(found, indent=1))
    return 0
