# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How fast a model is on the machine at hand, and how exact.

In comes the path of a model; out come reports, as frozen dataclasses.
"""
