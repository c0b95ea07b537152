# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the blocks of a page in their order, in this process and this folder.

    python run_page.py job.json

The job has ``setup``, Python that runs first, and ``blocks``. Blocks of Python share
their names, as a reader's session would. ``setup`` may put words into ``replace`` that
are others here, such as the address of a server. Ends with 1 at the first block that
fails, or prints something else than its page says.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import json
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_WRAPPED = """\
{includes}
void page(void) {{
{code}
}}
"""


def main(path: str) -> int:
    """Runs the job in a file."""
    job: dict[str, Any] = json.loads(Path(path).read_text())
    names: dict[str, Any] = {"__name__": "__page__", "replace": {}, "cleanup": []}
    try:
        exec(job["setup"], names)
        return _run_blocks(job, names)
    finally:
        for function in reversed(names["cleanup"]):
            function()


def _run_blocks(job: dict[str, Any], names: dict[str, Any]) -> int:
    loop = asyncio.new_event_loop()
    for block in job["blocks"]:
        code = block["code"]
        for word, other in names["replace"].items():
            code = code.replace(word, other)
        printed = io.StringIO()
        try:
            if block["language"] == "python":
                with contextlib.redirect_stdout(printed):
                    _run_python(code, names, loop)
            elif block["language"] == "sh":
                printed.write(_run("bash", "-euo", "pipefail", "-c", code))
            else:
                _compile(code, block["language"], job["include"])
        except BaseException:
            traceback.print_exc()
            return _fail(job, block, "failed")
        wanted = block["output"]
        if wanted is not None and not doctest.OutputChecker().check_output(
            wanted, printed.getvalue(), _OPTIONS
        ):
            return _fail(
                job, block, f"printed\n{printed.getvalue()}instead of\n{wanted}"
            )
    loop.close()
    return 0


def _fail(job: dict[str, Any], block: dict[str, Any], how: str) -> int:
    print(f"{job['page']}, line {block['line']}: {how}", file=sys.stderr)
    return 1


def _run_python(
    code: str, names: dict[str, Any], loop: asyncio.AbstractEventLoop
) -> None:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    result = eval(compile(code, "<page>", "exec", flags), names)
    if inspect.iscoroutine(result):
        loop.run_until_complete(result)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{done.stdout}{done.stderr}")
    return done.stdout


def _compile(code: str, language: str, include: list[str]) -> None:
    """Has a compiler check a program, or a piece of one."""
    if "main(" not in code:
        lines = code.splitlines()
        includes = [line for line in lines if line.startswith("#include")]
        body = [line for line in lines if not line.startswith("#include")]
        includes = includes or ['#include "digits.h"']
        code = _WRAPPED.format(includes="\n".join(includes), code="\n".join(body))
    compiler, standard, suffix = {
        "c": ("cc", "-std=c11", ".c"),
        "cpp": ("c++", "-std=c++17", ".cc"),
    }[language]
    source = Path(f"block{suffix}")
    source.write_text(code)
    flags = [flag for folder in include for flag in ("-I", folder)]
    _run(compiler, standard, "-fsyntax-only", *flags, str(source))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
