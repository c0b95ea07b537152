# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Scores files of rows: Parquet, Arrow, CSV and TFRecord in, Parquet or TFRecord out.

``sources/`` reads files as batches of rows, ``storage.py`` is where they lie,
``job.py`` says what is asked for and what is done of it, ``part_files.py`` writes a
part, ``local.py`` is the engine of this machine, and ``score.py`` the public function.
"""
