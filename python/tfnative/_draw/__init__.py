# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of models: graphs as DOT, SVG, HTML, and for Google's Model Explorer.

``graph`` says what is drawn; ``compiled`` makes it of a compiled program, and the
compiler of other things. ``dot``, ``html`` and ``model_explorer`` write it down, and
``render`` asks Graphviz where everything lies.
"""
