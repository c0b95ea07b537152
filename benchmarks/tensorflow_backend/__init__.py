# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measures what calling TensorFlow through tfnative costs."""
