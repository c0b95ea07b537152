# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Verify: compares an artifact with TensorFlow.

In: an artifact that was built to be tried, and the ``LoadedModel``. Out: ``Fidelity``:
errors per output and variant; and golden vectors, which travel with the artifact.
"""
