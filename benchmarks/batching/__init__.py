# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Batched serving: many callers with a row each, alone and beside its peers."""
