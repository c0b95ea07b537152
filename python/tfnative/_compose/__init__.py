# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models made of models: ``Fallback`` and ``Shadow``.

In come models; out comes what predicts as one of them does.
"""
