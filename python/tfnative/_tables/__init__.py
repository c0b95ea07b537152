# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of Arrow, pandas and Polars: columns in, columns out.

Needs pyarrow, of the extra ``tfnative[score]``. ``feeds.py`` says which columns feed
which input, ``to_arrays.py`` and ``to_columns.py`` convert, ``scorer.py`` predicts a
batch of rows and says which of them it could not, ``predict_table.py`` does so with a
whole table.
"""
