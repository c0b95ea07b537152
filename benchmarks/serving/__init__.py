# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the server and the client of TensorFlow Serving's APIs."""
