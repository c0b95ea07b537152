# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clusters of this machine: two nodes of Ray, two workers of Spark."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """Ray, connected to a cluster of two nodes.

    It believes that each has two processors: actors that had all of them would leave
    none for what reads their rows.
    """
    ray = pytest.importorskip("ray", reason="needs Ray: make test-engines")
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cluster = Cluster()
        for _ in range(2):
            cluster.add_node(num_cpus=2, object_store_memory=200 << 20)
        ray.init(address=cluster.address, log_to_driver=False)
        yield ray
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A session of a cluster of two workers, each a process with one processor."""
    reason = "needs pyspark and Java 17: make test-engines"
    pytest.importorskip("pyspark", reason=reason)
    if shutil.which("java") is None:
        pytest.skip(reason)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()
