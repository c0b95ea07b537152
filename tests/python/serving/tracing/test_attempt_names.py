# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the span of an attempt says of its address."""

from __future__ import annotations

import pytest

from tfnative.serving import calls
from tfnative.serving.tracing.attempt_names import attempt_attributes, attempt_name
from tfnative.serving.types import ModelSpec

STATUS = calls.versions(ModelSpec("digits"))


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("localhost:8500", "localhost", 8500),
        ("[::1]:8500", "::1", 8500),
        ("dns:///digits.example:8500", "digits.example", 8500),
        ("unix:/run/digits.sock", "unix:/run/digits.sock", None),
        ("digits.example", "digits.example", None),
        ("http://localhost:8501", "localhost", 8501),
        ("http://localhost", "localhost", 80),
        ("https://[::1]", "::1", 443),
    ],
)
def test_host_and_port(address, host, port):
    found = attempt_attributes(STATUS, address)
    assert found["server.address"] == host
    assert found.get("server.port") == port


def test_the_url_has_no_password():
    found = attempt_attributes(STATUS, "https://user:secret@example:1/below/")
    assert found["url.full"] == "https://example:1/below/v1/models/digits"
    assert "secret" not in str(found)


def test_names_are_of_methods_and_not_of_requests():
    assert attempt_name(STATUS, "http://localhost") == "GET"
    name = "tensorflow.serving.ModelService/GetModelStatus"
    assert attempt_name(STATUS, "localhost:8500") == name
