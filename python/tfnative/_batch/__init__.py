# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batched prediction: batchers, their answers, metrics, and what suits a machine.

In come a model, or what predicts as one, and rows of many callers; out comes to each
the answer for its own, now or as a future. The queue and the threads are those of the
extension module, which runs none of this while batches are made.
"""
