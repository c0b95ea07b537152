# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lower precision than float32: what is rounded, to what, and what it costs."""
