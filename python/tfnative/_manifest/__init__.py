# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a manifest. ``tfnative.manifest`` has all of them.

In comes the JSON that an artifact has; out come frozen dataclasses.
"""
