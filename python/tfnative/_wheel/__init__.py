# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models as Python wheels.

In comes an artifact's folder; out comes a .whl file, whose module predicts.
"""
