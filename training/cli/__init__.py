# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: `training.cli.main` has the table of subcommands."""
