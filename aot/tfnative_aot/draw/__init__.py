# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of what is compiled, before it is a program.

``saved_model`` draws a signature's graph of TensorFlow, of which ``inline`` makes one
graph without calls, ``fold`` hides what nobody looks at, and ``scopes`` takes together
what is too much to see.
"""
