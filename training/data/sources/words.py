# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ten spoken words, which espeak-ng says in many voices; with noise behind them.

A second of sound each, 8,000 samples. The voices of held-out rows are others than
those to train on.
"""

from __future__ import annotations

import io
import math
import shutil
import subprocess
import wave
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from numpy.typing import NDArray

from training.data.spec import Arrays, FeatureSpec, Source
from training.errors import DataError

LABELS = tuple("yes no up down left right on off stop go".split())
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp")
VARIANTS = tuple(
    "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 Alex Alicia Andy Annie Denis Diogo Gene Hugo "
    "Jacky Lee Marco Mike adam".split()
)
HELD_OUT_VARIANTS = tuple("m8 f5 Andrea Michael boris linda quincy travis".split())
RATE = 8_000
COPIES, HELD_OUT_COPIES = 4, 2
"""Rows of each recording: with other noise, and at another place in the second."""
STRETCHED = (0.85, 1.2)
"""How much longer copies to train on are, but for the first: lower and slower, or
higher and quicker, as other voices are."""
SEED = 7
HOW = "as root: apt-get install espeak-ng; or train on --data digits"


def load(
    variants: Iterable[str] = VARIANTS, held_out: Iterable[str] = HELD_OUT_VARIANTS
) -> Source:
    """Speaks all words in each accent and variant of voices."""
    if shutil.which("espeak-ng") is None:
        raise DataError(f"the program espeak-ng is not on this machine: {HOW}")
    random = np.random.default_rng(SEED)
    stretches = (1.0, *[None] * (COPIES - 1))
    return Source(
        task="classify",
        features={"audio": FeatureSpec((RATE,), stored="samples")},
        labels=LABELS,
        train=_spoken(tuple(variants), stretches, random),
        held_out=_spoken(tuple(held_out), (1.0,) * HELD_OUT_COPIES, random),
    )


def _spoken(
    variants: tuple[str, ...],
    stretches: Sequence[float | None],
    random: np.random.Generator,
) -> Arrays:
    """Rows in a random order; a copy for each stretch, where None is drawn."""
    asked = list(product(range(len(LABELS)), ACCENTS, variants))
    speeds = random.integers(130, 190, len(asked))
    pitches = random.integers(35, 65, len(asked))
    with ThreadPoolExecutor(4) as pool:
        sounds = list(
            pool.map(
                lambda each: speak(
                    LABELS[each[0][0]],
                    f"{each[0][1]}+{each[0][2]}",
                    speed=int(each[1]),
                    pitch=int(each[2]),
                ),
                zip(asked, speeds, pitches, strict=True),
            )
        )
    rows = [
        (_placed(_stretched(sound, stretch, random), random), word)
        for sound, (word, _, _) in zip(sounds, asked, strict=True)
        for stretch in stretches
    ]
    order = random.permutation(len(rows))
    return Arrays(
        {"audio": np.stack([rows[row][0] for row in order])},
        np.asarray([rows[row][1] for row in order], np.int64),
    )


def _stretched(
    sound: NDArray[np.float32], stretch: float | None, random: np.random.Generator
) -> NDArray[np.float32]:
    """As a tape that runs at another speed: pitch and formants change with it."""
    from scipy.signal import resample

    if stretch is None:
        stretch = random.uniform(*STRETCHED)
    if stretch == 1.0:
        return sound
    found: NDArray[np.float32] = resample(sound, round(len(sound) * stretch))
    return found


def speak(word: str, voice: str, *, speed: int, pitch: int) -> NDArray[np.float32]:
    """Samples of a word, (samples,) in [-1, 1), at 8,000 a second.

    Raises:
        DataError: espeak-ng fails, or says something else than a WAV file.
    """
    from scipy.signal import resample_poly

    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout"]
    done = subprocess.run([*command, word], capture_output=True, check=False)
    try:
        with wave.open(io.BytesIO(done.stdout)) as file:
            rate = file.getframerate()
            content = file.readframes(1 << 24)
    except (wave.Error, EOFError) as error:
        said = done.stderr.decode(errors="replace").strip() or error
        raise DataError(f"espeak-ng cannot say {word!r} as {voice} ({said})") from error
    samples = np.frombuffer(content[: len(content) // 2 * 2], "<i2") / 32768
    common = math.gcd(RATE, rate)
    found: NDArray[np.float32] = resample_poly(samples, RATE // common, rate // common)
    return found.astype(np.float32)


def _placed(
    sound: NDArray[np.float32], random: np.random.Generator
) -> NDArray[np.int16]:
    """Somewhere in a second of noise, not always as loud."""
    second = random.normal(0, random.uniform(0.001, 0.02), RATE)
    sound = sound[:RATE] * random.uniform(0.3, 1.0)
    begin = random.integers(0, RATE - len(sound) + 1)
    second[begin : begin + len(sound)] += sound
    return np.round(np.clip(second, -1, 0.9999) * 32767).astype("<i2")
