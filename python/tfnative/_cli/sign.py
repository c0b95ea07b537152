# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative sign`, and `tfnative verify`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._cli.common import UsageError, add_command

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_SIGN_EXAMPLES = """\
  tfnative sign --new-key deploy.key
  tfnative sign build/digits --key deploy.key

--new-key makes deploy.key, which only its owner can read, and deploy.key.pub, which
whoever loads models trusts: load(..., trusted_keys="deploy.key.pub"), or `tfnative
serve --trusted-keys`. Signing writes artifact.sig beside the library; a model that was
compiled again has to be signed again.
"""
_VERIFY_EXAMPLES = """\
  tfnative verify build/digits --trusted-keys deploy.key.pub
  tfnative verify models/digits/* --trusted-keys /etc/tfnative/keys
"""


def register(commands: Commands) -> None:
    """Adds both subcommands."""
    parser = add_command(
        commands, "sign", run_sign, "sign compiled models", _SIGN_EXAMPLES
    )
    parser.add_argument(
        "artifact", nargs="*", help="folders of artifacts, or their libraries"
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="private key to sign with, Ed25519 as PEM (default: that of --new-key)",
    )
    parser.add_argument(
        "--new-key",
        metavar="FILE",
        help="make a key: FILE and FILE.pub (default: none is made)",
    )
    parser = add_command(
        commands,
        "verify",
        run_verify,
        "check the signatures of compiled models, without loading them",
        _VERIFY_EXAMPLES,
    )
    parser.add_argument(
        "artifact", nargs="+", help="folders of artifacts, or their libraries"
    )
    parser.add_argument(
        "--trusted-keys",
        action="append",
        required=True,
        metavar="FILE_OR_FOLDER",
        help="public keys of which one must have signed: a file, or a folder with "
        "*.pub; may be given several times",
    )


def run_sign(options: argparse.Namespace) -> int:
    """Makes a key, signs, or both."""
    from tfnative._signing.keys import new_key
    from tfnative._signing.signature import sign

    key = options.key or options.new_key
    if (options.key is None) == (options.new_key is None):
        raise UsageError("expected --key or --new-key, and not both")
    if options.key is not None and not options.artifact:
        raise UsageError("there is nothing to sign: name a model")
    if options.new_key is not None:
        private, public = new_key(options.new_key)
        print(f"{private}: private, keep it secret")
        print(f"{public}: public, for those who load models")
    for artifact in options.artifact:
        print(sign(Path(artifact), key))
    return 0


def run_verify(options: argparse.Namespace) -> int:
    """Fails at the first model that no trusted key has signed."""
    from tfnative._signing.check import Checker
    from tfnative._signing.signature import MOST_LIBRARY_BYTES, find_library, read_file

    checker = Checker(options.trusted_keys)
    for artifact in options.artifact:
        library = find_library(Path(artifact))
        checker.check(str(library), read_file(library, MOST_LIBRARY_BYTES))
        print(f"{artifact}: signed")
    return 0
