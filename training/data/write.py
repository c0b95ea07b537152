# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a data set as sharded TFRecords of tf.Example, with ``data.json``."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from training.data import index
from training.data.spec import Arrays, FeatureSpec, Source
from training.errors import DataError

LABEL = "label"


def write(
    name: str, source: Source, folder: Path, *, shards: int, replace: bool = False
) -> None:
    """Writes all rows into a new folder, which is there completely or not at all.

    Args:
        name: Of the data set.
        source: Its rows.
        folder: Where to.
        shards: Files of the rows to train on; rows go round them in turn.
        replace: Whether to replace a complete folder; if not, it stays.

    Raises:
        DataError: The files cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        train = write_part(source, source.train, temporary, "train", shards)
        held_out = write_part(source, source.held_out, temporary, "heldout", 1)
        found = index.Index(
            *(name, source.task, source.features, source.labels),
            train=train,
            held_out=held_out,
            scale=_scale(source),
            assets=source.assets,
        )
        (temporary / index.FILE).write_text(found.to_json())
        temporary.chmod(0o755)
        _put(temporary, folder, replace=replace)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _scale(source: Source) -> tuple[float, float]:
    if source.task == "classify":
        return 0.0, 1.0
    values = source.train.labels
    return float(values.mean()), float(values.std()) or 1.0


def _put(temporary: Path, folder: Path, *, replace: bool) -> None:
    """Renames the folder into its place, where another process may do so, too."""
    if (folder / index.FILE).is_file():
        if not replace:
            return  # Someone was quicker, and may read it already.
        old = temporary.with_name(f"{temporary.name}-old")
        folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    try:
        temporary.rename(folder)
    except OSError:
        if not (folder / index.FILE).is_file():
            raise


def write_part(
    source: Source, rows: Arrays, folder: Path, part: str, shards: int
) -> tuple[index.Shard, ...]:
    """Writes some rows as ``PART-00000-of-0000N.tfrecord`` and so on."""
    import tensorflow as tf

    written = []
    shards = max(1, min(shards, rows.rows))
    for shard in range(shards):
        file = shard_name(part, shard, shards)
        count = 0
        try:
            with tf.io.TFRecordWriter(str(folder / file)) as writer:
                for row in range(shard, rows.rows, shards):
                    writer.write(as_example(source, rows, row).SerializeToString())
                    count += 1
        except tf.errors.OpError as error:
            raise OSError(errno.EIO, error.message, str(folder / file)) from error
        size = (folder / file).stat().st_size
        written.append(index.Shard(file, count, size))
    return tuple(written)


def shard_name(part: str, shard: int, shards: int) -> str:
    """The file of a shard."""
    return f"{part}-{shard:05}-of-{shards:05}.tfrecord"


def as_example(source: Source, rows: Arrays, row: int) -> Any:
    """A row as tf.Example: its features, and the feature ``label``."""
    import tensorflow as tf

    features = {
        name: _feature(spec, rows.features[name][row])
        for name, spec in source.features.items()
    }
    label = rows.labels[row]
    features[LABEL] = (
        tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)]))
        if source.task == "classify"
        else tf.train.Feature(float_list=tf.train.FloatList(value=[float(label)]))
    )
    return tf.train.Example(features=tf.train.Features(feature=features))


def serialized_rows(source: Source, rows: Arrays) -> Iterator[bytes]:
    """Each row as a serialized tf.Example."""
    for row in range(rows.rows):
        yield as_example(source, rows, row).SerializeToString()


def _feature(spec: FeatureSpec, value: Any) -> Any:
    import tensorflow as tf

    if spec.stored == "floats":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value.ravel()))
    if spec.stored == "integers":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=value.ravel()))
    content = value if isinstance(value, bytes) else value.tobytes()
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))


def parsing_spec(features: Mapping[str, FeatureSpec], task: str | None) -> Any:
    """For ``tf.io.parse_example``; with the label, if there is a task."""
    import tensorflow as tf

    lists = {"floats": tf.float32, "integers": tf.int64}
    spec: dict[str, Any] = {
        name: tf.io.FixedLenFeature(feature.shape, lists[feature.stored])
        if feature.stored in lists
        else tf.io.FixedLenFeature((), tf.string)
        for name, feature in features.items()
    }
    if task is not None:
        dtype = tf.int64 if task == "classify" else tf.float32
        spec[LABEL] = tf.io.FixedLenFeature((), dtype)
    return spec


def _cannot_write(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder} cannot be written ({error.strerror or error}): free some space, or "
        "choose another folder with --data-folder"
    )
