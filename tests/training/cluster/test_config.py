# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``TF_CONFIG`` has to be, and what is said where it is not."""

from __future__ import annotations

import json

import pytest

from training.cluster.config import (
    VARIABLE,
    Cluster,
    Task,
    check_size,
    from_environment,
    parse,
)
from training.errors import ClusterError

TWO = ["localhost:2222", "localhost:2223"]


def text(cluster: object, task: object) -> str:
    return json.dumps({"cluster": cluster, "task": task})


def worker(index: object = 0) -> dict[str, object]:
    return {"type": "worker", "index": index}


def test_a_cluster_is_what_its_json_says():
    cluster = Cluster(
        {"chief": ("a:1",), "worker": ("b:1", "b:2"), "ps": ("[::1]:9",)},
        Task("worker", 1),
    )
    assert parse(cluster.to_json()) == cluster
    assert (cluster.workers, cluster.servers, cluster.address) == (2, 1, "b:2")
    assert list(map(str, cluster.members())) == [
        *("chief 0", "worker 0", "worker 1", "ps 0")
    ]


def test_an_index_may_be_a_string_of_digits():
    assert parse(text({"worker": TWO}, worker("1"))).task == Task("worker", 1)


def test_an_evaluator_needs_no_address():
    cluster = parse(text({"worker": TWO}, {"type": "evaluator", "index": 0}))
    assert cluster.address is None


WRONG = {
    "no JSON": ("{", "is no JSON"),
    "a list": ("[1]", "is a list, not an object"),
    "no cluster": (json.dumps({"task": worker()}), "has nothing for 'cluster'"),
    "an empty cluster": (text({}, worker()), "an object without content for 'cluster'"),
    "a job there is not": (text({"master": TWO}, worker()), "has the job 'master'"),
    "a job without members": (text({"worker": []}, worker()), "for the job 'worker'"),
    "an address alone": (text({"worker": "a:1"}, worker()), "has a string for the job"),
    "no port": (text({"worker": ["localhost"]}, worker()), "not host:port"),
    "no host": (text({"worker": [":2222"]}, worker()), "not host:port"),
    "a number": (text({"worker": [2222]}, worker()), "has 2222 for worker 0"),
    "a port of 0": (text({"worker": ["a:0"]}, worker()), "from 1 to 65535"),
    "a port too far": (text({"worker": ["a:65536"]}, worker()), "from 1 to 65535"),
    "a superscript": (text({"worker": ["a:²"]}, worker()), "not host:port"),
    "one address twice": (
        text({"worker": ["a:1", "a:1"]}, worker()),
        "gives a:1 to worker 0 and to worker 1",
    ),
    "no task": (json.dumps({"cluster": {"worker": TWO}}), "has nothing for 'task'"),
    "a task of no job": (
        text({"worker": TWO}, {"type": "ps", "index": 0}),
        "is a 'ps', of which it names none",
    ),
    "a task of many jobs": (
        text({"worker": TWO}, {"type": ["worker"], "index": 0}),
        "is a ['worker'], of which it names none",
    ),
    "an index too far": (text({"worker": TWO}, worker(2)), "names 2 of them"),
    "an index below 0": (text({"worker": TWO}, worker(-1)), "has -1 for the task's"),
    "an index that is true": (text({"worker": TWO}, worker(True)), "has True for"),
    "an index in words": (text({"worker": TWO}, worker("one")), "has 'one' for"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_a_line(case):
    content, said = WRONG[case]
    with pytest.raises(ClusterError) as raised:
        parse(content)
    message = str(raised.value)
    assert said in message
    assert "\n" not in message
    assert message.startswith(VARIABLE)
    assert "expected something like" in message


def test_the_example_of_the_messages_is_right():
    with pytest.raises(ClusterError) as raised:
        parse("{")
    example = str(raised.value).partition("expected something like ")[2]
    assert parse(example).workers == 2


@pytest.mark.parametrize(
    ("workers", "servers", "said"),
    [(3, None, "--workers is 3"), (2, 2, "--ps is 2"), (None, 3, "--ps is 3")],
)
def test_another_size_than_asked_for_is_refused(workers, servers, said):
    cluster = parse(text({"worker": TWO, "ps": ["c:1"]}, worker()))
    check_size(cluster, 2, 1)
    check_size(cluster, None, None)
    with pytest.raises(ClusterError, match=said):
        check_size(cluster, workers, servers)


def test_without_the_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert from_environment() is None
    monkeypatch.setenv(VARIABLE, " ")
    assert from_environment() is None
