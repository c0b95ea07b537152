# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a graph that prints to standard error, in a process whose output is a file.

The only argument is a file with a JSON object: ``graph``, a file with a GraphDef;
``initializer``, a node to run first, or ""; ``assets``, paths by the tensors to feed
with them; and ``runs``, each with ``fetches`` and with ``feeds``, a file with a
GraphDef of constants that are named as what they are fed to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(job_file: str) -> None:
    """Does the job."""
    from tfnative_aot import adapters

    adapters.import_lean()
    import tensorflow as tf
    from tensorflow.core.framework.graph_pb2 import GraphDef

    job = json.loads(Path(job_file).read_text())
    with tf.Graph().as_default() as graph:
        graph_def = GraphDef.FromString(Path(job["graph"]).read_bytes())
        tf.graph_util.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            if job["initializer"]:
                target = graph.get_operation_by_name(job["initializer"])
                session.run(target, job["assets"])
            for run in job["runs"]:
                feeds = GraphDef.FromString(Path(run["feeds"]).read_bytes())
                values = {
                    f"{node.name}:0": tf.make_ndarray(node.attr["value"].tensor)
                    for node in feeds.node
                }
                session.run(run["fetches"], values)


if __name__ == "__main__":
    main(sys.argv[1])
