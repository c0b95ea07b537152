# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checks: compiles what TensorFlow looks at while it runs.

In: a ``FrozenGraph``. Out: a ``FrozenGraph`` with ``checks``, and a tensor that says
which of them failed, on what; checks that can be proved to hold are left out.
Assertions become checks, and are nodes no more.
"""
