# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Optimizing TensorFlow models as such: what can be asked for, and what comes back.

The work itself is the compiler's package, behind ``_compile/door.py``.
"""
