# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Speaks to TensorFlow Serving, and as it does, without TensorFlow."""
