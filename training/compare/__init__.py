# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies side by side: how they learn over steps and over time, as a picture."""
