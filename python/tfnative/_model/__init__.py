# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What all models are to their callers, whatever runs them: ``Model``."""
