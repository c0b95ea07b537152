# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options that are declared once: as fields of a frozen dataclass.

``option`` declares one, with what its values are and what it does. From that come the
checks of its values, keywords, flags of the command line, JSON, docstrings and tables.
"""
