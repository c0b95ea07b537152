# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Split: leaves head and tail of a model to TensorFlow where they cannot be compiled.

In: a ``LoadedModel`` and a signature. Out: ``Prepared``: the ``FrozenGraph`` of all of
it, or of what is behind a head and before a tail, and these: a head that parses
tf.Example messages, or small SavedModels that TensorFlow runs.
"""
