# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes data by Spark, in a process of its own.

python -m tests.training.data.spark_program many FOLDER
python -m tests.training.data.spark_program all FOLDER ADDRESS
"""

from __future__ import annotations

import sys

from tests.training.data.kinds import all_kinds, numbered
from training.data.spark import write_part
from training.data.write import write
from training.errors import DataError

SHARDS = 200
"""Of ``many``, which takes long enough to be killed in the middle."""
ROWS = 23


def main(what: str, folder: str, address: str = "") -> None:
    """Runs one of the commands."""
    if what == "many":
        source = numbered(SHARDS * 3)
        write("digits", source, folder, shards=SHARDS, writer=write_part)
        return
    from pyspark.sql import SparkSession

    with SparkSession.builder.getOrCreate():
        source = all_kinds(ROWS)
        write("digits", source, folder, shards=4, writer=write_part)
        write("digits", source, address, shards=4, writer=write_part)
        try:
            write_part(source, source.train, f"{folder}/not/there", "train", 4)
        except DataError as error:
            print(f"refused: {error}")
    assert "tensorflow" not in sys.modules


if __name__ == "__main__":
    main(*sys.argv[1:])
