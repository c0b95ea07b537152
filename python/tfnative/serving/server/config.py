# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which models to serve."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfnative._store.versions import (
    AllVersions,
    Latest,
    SpecificVersions,
    VersionPolicy,
)
from tfnative.errors import (
    InvalidArgumentError,
    NotFoundError,
    UnimplementedError,
)
from tfnative.serving import messages


@dataclass(frozen=True)
class ModelSettings:
    """A model that is to be served.

    Attributes:
        name: Under which clients know it.
        base_path: The folder of its versions.
        policy: Which of them to serve.
        labels: Versions by label.
    """

    name: str
    base_path: str
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)


def read_config_file(path: str | os.PathLike[str]) -> dict[str, ModelSettings]:
    """The models of TensorFlow Serving's file: a ``ModelServerConfig`` as text.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is no such message, or as ``settings_of``.
        UnimplementedError: As ``settings_of``.
    """
    from google.protobuf import text_format

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotFoundError(f"cannot read {os.fspath(path)}: {error}") from None
    config = messages.ModelServerConfig()
    pool = messages.ModelServerConfig.DESCRIPTOR.file.pool
    try:
        text_format.Parse(text, config, descriptor_pool=pool)
    except text_format.ParseError as error:
        raise InvalidArgumentError(f"{os.fspath(path)}: {error}") from None
    return settings_of(config)


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
            raise InvalidArgumentError(
                f"model {one.name!r}: expected a name and a base_path, got"
                f" {one.base_path!r}"
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
