# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Clusters of processes: what they are, who starts them, and who starts them again.

`config` reads ``TF_CONFIG``, `ports` finds free ones, `member` is a process of the
cluster, `supervisor` keeps all of them running, `roll_call` says who does not come, and
`evaluator` validates checkpoints apart from training.
"""
