# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The subcommands of `tfnative`, one file each.

In come arguments; out come lines or JSON, and the exit code. Each calls what is public.
"""
