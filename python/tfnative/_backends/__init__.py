# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What runs models: each backend in a folder of its own.

In comes a path, with what its user wants; out comes a ``Model``. ``load.py`` is where
users come in, and says which backend is asked; ``auto/`` chooses one itself. Backends
know nothing of batching, versions or serving.
"""
