# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that is not scikit-learn's: images of clothes, spoken words, lines, ratings."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from training.data.sources import fashion, ratings, text, words

pytestmark = pytest.mark.slow


@pytest.mark.skipif(
    not fashion.FOLDER.is_dir(), reason="needs Debian's dataset-fashion-mnist"
)
def test_fashion_mnist_has_seventy_thousand_images_of_ten_classes():
    source = fashion.load()
    assert (source.train.rows, source.held_out.rows) == (60_000, 10_000)
    assert source.held_out.features["image"].shape == (10_000, 28, 28, 1)
    assert np.bincount(source.held_out.labels).tolist() == [1_000] * 10


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_words_differ_by_voice_and_noise_and_are_loud_enough():
    source = words.load(variants=("m1",), held_out=("f5",))
    audio = source.train.features["audio"]
    assert audio.shape == (len(words.LABELS) * len(words.ACCENTS) * words.COPIES, 8_000)
    assert audio.dtype == np.int16
    assert len({row.tobytes() for row in audio}) == len(audio)
    assert (abs(audio.astype(int)).max(axis=1) > 2_000).all()
    assert np.bincount(source.train.labels).tolist() == [16] * 10
    assert source.held_out.rows == 40 * words.HELD_OUT_COPIES


def test_no_voice_is_both_trained_on_and_held_out():
    assert not set(words.VARIANTS) & set(words.HELD_OUT_VARIANTS)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
@pytest.mark.parametrize("variant", words.HELD_OUT_VARIANTS)
def test_a_held_out_voice_sounds_like_none_to_train_on(variant):
    def said(voice: str) -> bytes:
        return words.speak("left", f"en-us+{voice}", speed=160, pitch=50).tobytes()

    assert said(variant) not in {said(voice) for voice in words.VARIANTS}


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_spoken_words_are_the_same_each_time():
    first = words.speak("left", "en-us+f2", speed=160, pitch=50)
    again = words.speak("left", "en-us+f2", speed=160, pitch=50)
    np.testing.assert_array_equal(first, again)
    assert len(first) < words.RATE


def test_lines_of_text_are_of_three_languages_and_none_is_held_out_twice():
    source = text.load()
    for part in (source.train, source.held_out):
        assert set(part.labels) == {0, 1, 2}
        lines = part.features["text"]
        assert all(text.SHORTEST <= len(line) <= text.LENGTH for line in lines)
    both = set(source.train.features["text"]) & set(source.held_out.features["text"])
    assert len(both) < source.held_out.rows * 0.05


def test_ratings_are_numbers_in_range_with_both_answers():
    source = ratings.load()
    for name, spec in source.features.items():
        assert source.train.features[name].min() >= 0
        assert source.train.features[name].max() < spec.below
    assert 0.4 < source.train.labels.mean() < 0.6
