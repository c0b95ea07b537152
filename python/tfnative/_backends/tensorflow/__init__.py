# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""SavedModels that TensorFlow's library runs: ``TensorflowModel``.

In comes the folder of a SavedModel. TensorFlow's Python package is only looked for,
never imported.
"""
