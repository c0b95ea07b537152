# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfnative doctor` says: what is here, what is missing, and what installs it.

Nothing comes in but the machine; out comes a ``Report``.
"""
