# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays as TensorProto messages on the wire, and back, with one copy each way.

In comes an array, and out come parts of a message to be joined; or the other way
round. The message is that of tensorflow/core/framework/tensor.proto.
"""
