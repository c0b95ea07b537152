# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Classification and regression of examples, on every backend.

In come examples, as serialised messages or as dicts of features, and what
``ExamplesModel`` says of a model; out come ``Classifications``, or a number for each.
"""
