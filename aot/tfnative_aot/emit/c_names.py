# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Names of a model in C and C++: what they may not be, and what they become."""

from __future__ import annotations

import keyword
import re

from tfnative.errors import InvalidArgumentError

MAX_NAME_BYTES = 79
"""TFN_MAX_NAME_BYTES in abi.h."""

_KEYWORDS = frozenset(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char "
    "char16_t char32_t char8_t class co_await co_return co_yield compl concept const "
    "const_cast consteval constexpr constinit continue decltype default delete do "
    "double dynamic_cast else enum explicit export extern false final float for friend "
    "goto if import inline int long module mutable namespace new noexcept not not_eq "
    "nullptr operator or or_eq override private protected public register "
    "reinterpret_cast requires restrict return short signed sizeof static "
    "static_assert static_cast struct switch template this thread_local throw true try "
    "typedef typeid typename typeof typeof_unqual union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq".split()
)
# Macros of the standard headers, and of compilers, that are not in capitals.
_MACROS = frozenset(
    "I acos acosh alloca asin asinh assert atan atan2 atanh be16toh be32toh be64toh "
    "carg cbrt ceil cimag complex conj copysign cos cosh cproj creal erf erfc errno "
    "exp exp2 expm1 fabs fdim floor fma fmax fmin fmod fpclassify frexp htobe16 "
    "htobe32 htobe64 htole16 htole32 htole64 hypot i386 ilogb imaginary isfinite "
    "isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal "
    "issubnormal isunordered kill_dependency ldexp le16toh le32toh le64toh lgamma "
    "linux llrint llround log log10 log1p log2 logb lrint lround math_errhandling "
    "memory_order nearbyint nextafter nexttoward noreturn offsetof pow remainder "
    "remquo rint round scalb scalbln scalbn setjmp sigmask signbit sigsetjmp sin sinh "
    "sqrt stderr stdin stdout strdupa strndupa tan tanh tgamma trunc unix va_arg "
    "va_copy va_end va_start".split()
)
_MACRO_PREFIXES = re.compile(
    r"^(atomic_|is[a-z]+(_l)?$|pthread_|s[ai]_|sched_|sigev_|toascii|L_|P_|PRI|SCN|SYS_|TFN_|"
    r"tfn_)"
)
# What the headers and sources use themselves.
_OWN = frozenset(
    "Arguments aligned_buffer arguments batch_size bytes candidate describe "
    "find_variant first in int16_t int32_t int64_t int8_t left memory n out "
    "out_of_memory pad_rows predict rows run size size_t sizes span status std "
    "true_bytes try_predict uint16_t uint32_t uint64_t uint8_t used variant variants "
    "workspace wrong_size".split()
)
# Of these, what only sources use, in which no name of an artifact stands by itself.
_OF_SOURCES = frozenset("find_variant in memory out variant variants".split())
_CAPITALS = re.compile(r"[A-Z0-9_]{2,}")
"""As macros are written, of whatever header a program includes."""


def is_reserved(name: str) -> bool:
    """Whether a name means something else in C, in C++, or in our own code."""
    return (
        name in _KEYWORDS
        or name in _MACROS
        or name in _OWN
        or _CAPITALS.fullmatch(name) is not None
        or _MACRO_PREFIXES.match(name) is not None
    )


def check_name(name: str) -> str:
    """Returns the name of an artifact if it can be part of C identifiers.

    Raises:
        InvalidArgumentError: It cannot.
    """
    valid = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and name not in _KEYWORDS
    valid = valid and name not in _OWN - _OF_SOURCES
    if not valid or keyword.iskeyword(name) or len(name) > MAX_NAME_BYTES:
        raise InvalidArgumentError(
            f"{name!r} cannot be the name of an artifact: expected letters, digits and "
            f"underscores, a letter first, no word of C, at most {MAX_NAME_BYTES} "
            "characters; choose one with --name"
        )
    return name


def c_identifier(name: str, taken: set[str]) -> str:
    """A C identifier like ``name`` that differs from all in ``taken``.

    Not by capitals alone: macros are made of it in capitals. It is added in small
    letters.
    """
    base = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not base or base[0].isdigit() or base.startswith("_") or is_reserved(base):
        base = f"t_{base.lstrip('_')}"
    candidate, number = base, 2
    while candidate.lower() in taken:
        candidate, number = f"{base}_{number}", number + 1
    taken.add(candidate.lower())
    return candidate


def function_identifier(name: str, taken: set[str]) -> str:
    """As ``c_identifier``, for a signature: it has a second function."""
    while True:
        made = c_identifier(name, taken)
        second = f"{made}_workspace_bytes".lower()
        if second not in taken:
            taken.add(second)
            return made


def in_comment(name: str) -> str:
    """A name as it may stand in a comment of C: quoted, and without its end."""
    return ascii(name).replace("*/", "*\\/").replace("/*", "/\\*")


def c_string(text: str) -> str:
    """A C string literal, of UTF-8."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    escaped = (chr(b) if b in plain else f"\\{b:03o}" for b in text.encode())
    return f'"{"".join(escaped)}"'
