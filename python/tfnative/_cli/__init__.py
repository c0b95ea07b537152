# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The subcommands of `tfnative`, one file each."""
