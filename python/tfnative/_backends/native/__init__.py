# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models: ``NativeModel``, over the extension module.

In comes the folder of an artifact, or its library. What only compiled models have is
here: heads, which turn what callers pass into what was compiled, and profiles.
"""
