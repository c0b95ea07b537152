# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Who asks for what there is not is told what that was, and no path of the server."""

from __future__ import annotations

import pytest

import tfnative
from tfnative import serving
from tfnative.serving import messages


@pytest.mark.parametrize("api", ["grpc", "rest"])
def test_the_status_of_a_version_that_there_is_not_names_it(running, api):
    with (
        serving.Client(getattr(running, api)) as client,
        pytest.raises(tfnative.NotFoundError, match=r"\b9\b.*not served"),
    ):
        client.status("affine", version=9)


def test_a_mistake_in_a_reload_is_told_and_no_path(serve, settings, tmp_path_factory):
    base = settings["affine"].base_path
    root = str(tmp_path_factory.getbasetemp())
    running = serve(settings, allow_reload_config=True, model_roots=(root,))
    one = messages.ModelServerConfig()
    with serving.Client(running.grpc) as client:
        found = one.model_config_list.config.add(base_path=base)
        with pytest.raises(tfnative.InvalidArgumentError, match="no name") as raised:
            client.reload_config(one)
        assert base not in str(raised.value)
        found.name, found.version_labels["a"] = "affine", 77
        with pytest.raises(
            tfnative.FailedPreconditionError, match=r"labels must stand for .*77"
        ) as raised:
            client.reload_config(one)
        assert base not in str(raised.value)
