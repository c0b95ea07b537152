# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Looking at training: TensorBoard, timelines, what makes a NaN, what XLA does."""
