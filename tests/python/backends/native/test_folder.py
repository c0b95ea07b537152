# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a model are that is loaded through a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfnative._backends.native.folder import artifact_folder
from tfnative._backends.native.saved_part import said_by
from tfnative.errors import InvalidArgumentError


def test_a_link_to_a_library_leads_to_its_folder(tmp_path: Path):
    net, farm = tmp_path / "net", tmp_path / "farm"
    net.mkdir()
    farm.mkdir()
    (net / "libnet.so").write_text("")
    for link in (tmp_path / "libnet.so", farm / "libnet.so"):
        link.symlink_to(net / "libnet.so")
    (farm / "manifest.json").symlink_to(net / "libnet.so")
    assert artifact_folder(net / "libnet.so") == net
    assert artifact_folder(tmp_path / "libnet.so") == net.resolve()
    assert artifact_folder(farm / "libnet.so") == farm  # A link for each file.


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("model 'm', signature 's': is bad", "is bad"),
        ("model 'it\\'s', signature \"q'\": is bad", "is bad"),
        ("model 'm', signature 's', input 'x': no", "input 'x': no"),
        ("Key: words, model 'm', signature 's': no", None),
    ],
)
def test_parts_are_not_called_as_they_are_inside(raised: str, said: str | None):
    assert said_by(InvalidArgumentError(raised)) == (said or raised)
