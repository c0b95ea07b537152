# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the layers that are computed in 8 bits, so that a budget holds."""
