# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
#
# A model as an image, from the folder that has digits/1:
#   docker build -f deploy/model.Dockerfile --target artifact -t …/models/digits:1 models
#   docker build -f deploy/model.Dockerfile --target with-cp -t …/models/digits-with-cp:1 models
FROM busybox:1.37 AS with-cp
COPY --chown=65532:65532 digits /model/digits
USER 65532:65532

# Nothing but files: overlays/oci-artifact mounts it, and nobody runs it.
FROM scratch AS artifact
COPY digits /digits
USER 65532:65532
