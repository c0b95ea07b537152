# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that train real models, and export them ready for ``tfnative compile``.

One command, ``python -m training SUBCOMMAND``, run from the root of the sources; see
docs/training.md. Data is read by `training.data`, networks are built by
`training.models`, and `training.fit` puts both together by one of
`training.strategies`. What has to be imported from TensorFlow or Keras is imported
inside functions: both take seconds.
"""
