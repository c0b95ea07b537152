# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Load: reads a model in TensorFlow.

In: the path of a SavedModel or a frozen GraphDef, and what the user says of its shapes.
Out: a ``LoadedModel``: its signatures, the graph behind each, and TensorFlow itself,
to run it for reference.
"""
