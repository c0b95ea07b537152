# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Serves models in this process to clients of TensorFlow Serving."""
