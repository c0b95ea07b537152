# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What several folders need, and what knows nothing of models.

Arrays and numbers on their way to the run time, the bytes of protocol buffers, and a
line of progress on a terminal.
"""
