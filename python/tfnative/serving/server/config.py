# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which models to serve."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfnative._base.text import check_text
from tfnative._store.versions import (
    AllVersions,
    Latest,
    SpecificVersions,
    VersionPolicy,
)
from tfnative.errors import InvalidArgumentError, UnimplementedError
from tfnative.serving import messages
from tfnative.serving.server.replies import MalformedRequestError
from tfnative.serving.server.text_message import read_text_message

_NOT_IN_NAMES = frozenset("/:")
"""They end a name in paths of the REST API."""


@dataclass(frozen=True)
class ModelSettings:
    """A model that is to be served.

    Attributes:
        name: Under which clients know it.
        base_path: The folder of its versions.
        policy: Which of them to serve.
        labels: Versions by label.

    Raises:
        InvalidArgumentError: No path of the REST API can have the name.
    """

    name: str
    base_path: str
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_model_name(self.name)


def check_model_name(name: str) -> None:
    """Checks the name of a model, which clients have in paths.

    Raises:
        InvalidArgumentError: It is empty, has a slash, a colon or what cannot be
            printed, or is not UTF-8.
    """
    check_text("the name of a model", name)
    if not name or not name.isprintable() or set(name) & _NOT_IN_NAMES:
        raise InvalidArgumentError(
            "the name of a model must have at least one character, and neither / nor :"
            f" nor control characters, got {name!a:.200}"
        )


def read_config_file(path: str | os.PathLike[str]) -> dict[str, ModelSettings]:
    """The models of TensorFlow Serving's file: a ``ModelServerConfig`` as text.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no such message, or as ``settings_of``.
        UnimplementedError: As ``settings_of``.
    """
    return settings_of(read_text_message(messages.ModelServerConfig, path))


def settings_of(config: Any) -> dict[str, ModelSettings]:
    """The models of a ``ModelServerConfig``, by name.

    Raises:
        InvalidArgumentError: One has no name or no folder, or two have the same name.
        UnimplementedError: It is a configuration of another kind.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise UnimplementedError("custom_model_config is not supported")
    found: dict[str, ModelSettings] = {}
    for one in config.model_config_list.config:
        if not one.name or not one.base_path:
            missing = "name" if not one.name else "base_path"
            raise MalformedRequestError(
                f"model {one.name!r}: expected a name and a base_path, got no {missing}"
            )
        if one.name in found:
            raise InvalidArgumentError(f"model {one.name!r} is there twice")
        found[one.name] = ModelSettings(
            one.name,
            one.base_path,
            _policy(one.model_version_policy),
            dict(one.version_labels),
        )
    return found


def _policy(message: Any) -> VersionPolicy:
    kind = message.WhichOneof("policy_choice")
    if kind == "all":
        return AllVersions()
    if kind == "specific":
        return SpecificVersions(*message.specific.versions)
    if kind == "latest" and message.latest.num_versions:
        return Latest(message.latest.num_versions)
    return Latest()
