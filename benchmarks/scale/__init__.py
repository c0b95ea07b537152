# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How long requests wait on one machine and on a thousand: simulated, and checked.

``batching`` is a server as its batcher forms batches, ``machines`` are many of them
behind a balancer; both in SimPy. ``reality`` drives a real batcher, and ``check``
compares. Times are whole microseconds, as the batcher's own are.
"""
