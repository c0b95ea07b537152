# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What each precision costs trained models: how many images are still told apart."""
