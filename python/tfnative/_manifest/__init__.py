# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a manifest. ``tfnative.manifest`` has all of them."""
