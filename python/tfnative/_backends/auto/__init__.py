# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""SavedModels of which nobody says what is to run them.

In comes a ``Request``; out comes a compiled model, of the cache or made for it, else
one that TensorFlow runs. This alone knows both backends.
"""
