# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API answers as its description says, whatever is asked."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
httpx = pytest.importorskip("httpx", reason="needs httpx")

from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

from tests.python.serving.server.conftest import Running  # noqa: E402
from tfnative._store.versions import AllVersions  # noqa: E402
from tfnative.serving.server.config import ModelSettings  # noqa: E402
from tfnative.serving.server.models import OpenOptions  # noqa: E402
from tfnative.serving.server.openapi import description  # noqa: E402
from tfnative.serving.server.rest_api import _PATH  # noqa: E402
from tfnative.serving.server.rest_body import (  # noqa: E402
    BodyTimeoutError,
    BodyTooLargeError,
    EncodingError,
)
from tfnative.serving.server.rest_response import status_of  # noqa: E402
from tfnative.serving.server.server import ServerOptions  # noqa: E402

EXAMPLES = int(os.environ.get("TFNATIVE_SCHEMA_EXAMPLES", "5"))
"""Requests for each operation, and as many that its description forbids."""

NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
load_all_checks()
CONFORM = [CHECKS.get_one(name) for name in NAMES]


def operations() -> list[tuple[str, str]]:
    paths = description()["paths"]
    return [(path, verb) for path, methods in paths.items() for verb in methods]


@pytest.fixture(scope="module")
def known(versions):
    """The description, which names the model, versions and labels that there are."""
    found = description()
    parameters = found["components"]["parameters"]
    parameters = {name: dict(each) for name, each in parameters.items()}
    for name, values in (("Model", ["affine"]), ("Version", [1, 2, 3])):
        parameters[name]["schema"] = {"enum": values}
    parameters["Label"]["schema"] = {"enum": ["stable", "none"]}
    schemas = dict(found["components"]["schemas"])
    return {
        **found,
        "components": {"parameters": parameters, "schemas": schemas},
    }


@pytest.fixture(scope="module")
def one(versions):
    affine = ModelSettings("affine", str(versions), AllVersions(), {"stable": 1})
    options = ServerOptions("localhost", 0, 0, models=OpenOptions(None))
    running = Running({"affine": affine}, options)
    yield running
    running.stop()


def test_the_server_tells_its_description(one):
    answer = httpx.get(f"{one.rest}/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == description()


def test_every_path_of_a_model_is_one_that_the_server_takes():
    for path, _ in operations():
        if path.startswith("/v1/"):
            asked = re.sub(
                r"{(\w+)}", lambda m: "7" if m[1] == "version" else "a", path
            )
            assert _PATH.fullmatch(asked), path


def test_the_description_has_every_status_of_a_body_that_is_refused():
    paths = description()["paths"]
    bodies = {
        str(status_of(kind("no")))
        for kind in (BodyTooLargeError, BodyTimeoutError, EncodingError)
    }
    for path, verb in operations():
        described = paths[path][verb]["responses"].keys()
        assert (bodies <= described) == (verb == "post"), path


def test_what_names_no_model_is_described_without_errors_of_models():
    paths = description()["paths"]
    for path, verb in operations():
        has_model = "{model}" in path
        assert ("404" in paths[path][verb]["responses"]) == has_model, path


def modes() -> list[tuple[str, str, str]]:
    """What is forbidden is asked where something can be."""
    found = []
    for path, verb in operations():
        found.append((path, verb, "POSITIVE"))
        if path.startswith("/v1/"):
            found.append((path, verb, "NEGATIVE"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("path", "verb", "mode"), modes())
def test_any_request_is_answered_as_described(one, known, path, verb, mode):
    schema = schemathesis.openapi.from_dict(known)
    schema.config.update(base_url=one.rest)
    operation = schema[path][verb.upper()]
    wanted = schemathesis.GenerationMode[mode]
    # That a probe says 503 is its answer, and no mistake of the server.
    checks = CONFORM[1:] if path.endswith("/readyz") else CONFORM

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=wanted))
    def ask(case):
        case.call_and_validate(checks=checks)

    ask()
