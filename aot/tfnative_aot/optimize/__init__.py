# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Optimizes a TensorFlow model into another one, with TensorFlow as the judge.

A model becomes one graph without variables, which goes through the transforms of the
Graph Transform Tool, mended where that errs, and is run before and after each.
"""
