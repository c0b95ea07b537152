# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that Spark brings to its executors, each of which unpacks them once.

https://spark.apache.org/docs/latest/api/python/reference/api/pyspark.SparkContext.addArchive.html
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfnative._shipping.archive import Packed, pack, packed
from tfnative.errors import UnavailableError, UnimplementedError

_sent: dict[tuple[str, str], Path] = {}
"""Archives by application and name: Spark reads them whenever an executor starts."""


@dataclass(frozen=True)
class Shipped:
    """A model that all executors have. Can be pickled.

    Attributes:
        model: Its name there.
    """

    model: Packed

    def path(self) -> Path:
        """What ``load`` takes, in a process of Spark's."""
        from pyspark import SparkFiles

        return Path(SparkFiles.get(self.model.name)) / self.model.inner


def spark_session() -> Any:
    """This program's session, or a new one.

    Raises:
        UnimplementedError: pyspark is not installed, or the session is one of Spark
            Connect.
        UnavailableError: Spark does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UnimplementedError(
            "Spark needs pyspark: pip install 'tfnative[spark]', and Java 17 or later"
        ) from None
    try:
        session = SparkSession.builder.getOrCreate()
    except Exception as error:  # Whatever Java or Python says of it.
        raise UnavailableError(
            f"cannot start Spark, which needs Java 17 or later: "
            f"{' '.join(str(error).split())}"
        ) from None
    require_context(session)
    return session


def require_context(session: Any) -> Any:
    """The context of a session.

    Raises:
        UnimplementedError: It has none, as those of Spark Connect.
    """
    try:
        return session.sparkContext
    except Exception:  # Versions of pyspark have several for it.
        raise UnimplementedError(
            "a session of Spark Connect cannot bring a model to its executors: use one "
            "of a cluster's own, or install the model on all machines as a wheel"
        ) from None


def ship(context: Any, model: str | os.PathLike[str]) -> Shipped:
    """Gives a model to all executors, those of today and later.

    Args:
        context: Of Spark.
        model: As ``Model.path`` is.

    Raises:
        OSError: The archive cannot be written.
    """
    what = packed(model)
    key = (context.applicationId, what.name)
    if key not in _sent:
        folder = Path(tempfile.mkdtemp(prefix="tfnative-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        archive = folder / f"{what.name}.zip"
        with archive.open("wb") as file:
            pack(model, file)
        context.addArchive(f"{archive}#{what.name}")
        _sent[key] = archive
    return Shipped(what)
