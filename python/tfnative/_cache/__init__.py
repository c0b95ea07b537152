# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where compiled models are kept between runs.

cache/
  models/KEY/entry.json     what it is; the artifact is in models/KEY/artifact
  locks/KEY                 held by the process that makes or removes KEY
  digests/                  digests of files that were read before
  kernels/                  objects that models are linked with
  shipped/NAME/             artifacts that came from another machine of a cluster
"""
