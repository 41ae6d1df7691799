"""From TOML and options to a creation body."""

from __future__ import annotations

import pytest
import typer

from easymaker_local.cli.addresses import container_of, expand, is_container
from easymaker_local.cli.job_spec import TRAINING, merge_pairs, parse, split_pairs
from easymaker_local.errors import InvalidRequest

SHORT = """
name = "t"
experiment = "e"
image = "i"
flavor = "f"
timeout_minutes = 90
sourceDirUri = "code"
[parameters]
lr = 0.1
deep = true
[datasets]
train = "data/train"
[tags]
a = "b"
"""
LONG = """
training_name = "t"
experimentId = "e"
image_id = "i"
flavorId = "f"
timeoutMinutes = 90
source_dir_uri = "code"
tag_list = [{tag_key = "a", tagValue = "b"}]
[[hyperparameter_list]]
parameter_name = "lr"
parameterValue = 0.1
[[hyperparameterList]]
parameterName = "deep"
parameter_value = true
[[dataset_list]]
dataset_name = "train"
data_uri = "data/train"
"""


def test_short_words_and_wire_names_mean_the_same() -> None:
    long = LONG.replace("[[hyperparameterList]]", "[[hyperparameter_list]]")
    assert parse(SHORT, "a", TRAINING) == parse(long, "b", TRAINING) == {
        "trainingName": "t", "experimentId": "e", "imageId": "i", "flavorId": "f", "timeoutMinutes": 90,
        "sourceDirUri": "code",
        "hyperparameterList": [
            {"parameterName": "lr", "parameterValue": 0.1}, {"parameterName": "deep", "parameterValue": True}
        ],
        "datasetList": [{"datasetName": "train", "dataUri": "data/train"}],
        "tagList": [{"tagKey": "a", "tagValue": "b"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "spec.toml is not TOML"),
        ("flavour = 'x'", "flavour: unknown; did you mean flavor"),
        ("training_name = 'a'\nname = 'b'", "name: the same as another key"),
        ("[[dataset_list]]\ndataset = 'x'", "datasetList.0.dataset: unknown; did you mean datasetName"),
        ("[parameters]\nlr = nan", "nan or inf"),
    ],
)
def test_what_the_daemon_would_not_see_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=r"(?s).*") as caught:
        parse(text, "spec.toml", TRAINING)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["lr", "=1", ""])
def test_options_that_are_no_pairs(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        split_pairs("--param", [text])


def test_pairs_keep_what_follows_the_first_equals_sign() -> None:
    assert split_pairs("--param", ["a=b=c", "empty="]) == {"a": "b=c", "empty": ""}


def test_merging_replaces_and_extends() -> None:
    old = [{"parameterName": "a", "parameterValue": "1"}, {"parameterName": "b", "parameterValue": "2"}]
    assert merge_pairs("hyperparameterList", old, {"b": "3", "c": "4"}) == [
        {"parameterName": "a", "parameterValue": "1"}, {"parameterName": "b", "parameterValue": "3"},
        {"parameterName": "c", "parameterValue": "4"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "full"),
    [
        ("c", "obs://local/v1/AUTH_me/c"), ("c/p/", "obs://local/v1/AUTH_me/c/p/"), ("nas://x:/y", "nas://x:/y"),
        ("obs://h/v1/AUTH_t/c", "obs://h/v1/AUTH_t/c"),
    ],
)  # fmt: skip
def test_short_addresses(address: str, full: str) -> None:
    assert expand(address, "me") == full


@pytest.mark.parametrize("address", ["", "/", "/abs", "./here", "../up", "."])
def test_paths_of_this_machine_are_no_addresses(address: str) -> None:
    with pytest.raises(InvalidRequest):
        expand(address, "me")


@pytest.mark.parametrize(
    ("uri", "container", "whole"),
    [
        ("obs://h/v1/AUTH_t/c", "c", True), ("obs://h/v1/AUTH_t/c//", "c", True), ("obs://h/v1/AUTH_t/c/p", "c", False),
        ("nas://x:/", None, True), ("nas://x:/p", None, False),
    ],
)  # fmt: skip
def test_what_an_address_names(uri: str, container: str | None, whole: bool) -> None:
    assert (container_of(uri), is_container(uri)) == (container, whole)
