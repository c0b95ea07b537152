# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Machines: what is known of the machines that code is made for.

Targets, the CPU levels of each, their object files, and emulators of them. All stages
may ask; nothing here knows a model.
"""
