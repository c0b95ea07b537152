# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Signatures of compiled models, by Ed25519.

Needs `cryptography`, which is only imported when something is signed or checked.
"""
