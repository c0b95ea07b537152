# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Split: leaves the head of a model to TensorFlow where it cannot be compiled.

In: a ``LoadedModel`` and a signature. Out: ``Prepared``: the ``FrozenGraph`` of all of
it, or of what is behind a head, and the head: one that parses tf.Example messages, or
a small SavedModel that TensorFlow runs.
"""
