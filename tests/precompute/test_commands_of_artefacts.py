"""The command in a manifest makes that very artefact: every option that changes it stands in it."""

from __future__ import annotations

import shlex

import pytest

from explorer.glue.tasks import TASKS
from explorer.store.bundle import Bundle
from explorer.store.commands import command_for, given_in
from explorer.store.schema import Key, Run
from explorer.store.stages import REGISTER, stage_named
from precompute.bundle.publish import run_publish
from precompute.options import Options
from precompute.stage_verbs import make
from tests.precompute.conftest import SEED

RUN = Run("tiny", "MRPC", 7)
VERBS = [stage for stage in REGISTER if not stage.imported]
OWN = [
    ("finetune", {"epochs": 1, "learning_rate": 2e-3}),
    ("bank", {"masks": 90}),
    ("structured", {"method": "heads", "estimator": "published"}),
    ("importance", {"estimator": "batch", "data": "train-sample"}),
]


def values_of(option):
    return option.values or {str: ("a file's name.tsv",), int: (3,), float: (0.002,)}[option.kind]


@pytest.mark.parametrize("stage", VERBS, ids=lambda stage: stage.verb)
def test_whatever_was_given_stands_in_the_command_and_is_read_from_it(stage):
    for option in stage.options:
        for value in values_of(option):
            given = {option.name: value}
            command = command_for(Key(RUN, stage.name, stage.variant_of(given)), given=given)
            usual = option.values and value == option.values[0]
            assert given_in(command, stage.name).get(option.name, usual and value) == str(value), command
            assert shlex.split(command).count(option.flag) <= 1


@pytest.mark.parametrize("command", ["", "make it", "python 'unclosed", "python -m precompute bank --masks"])
def test_a_command_that_is_none_says_nothing(command):
    assert given_in(command, "bank") == {}


@pytest.mark.parametrize(("stage", "given"), OWN, ids=[stage for stage, _ in OWN])
def test_the_command_of_an_artefact_makes_that_artefact_and_not_the_usual_one(
    bundle, model, glue, tmp_path, stage, given
):
    seed = SEED + 1 if stage == "finetune" else SEED
    options, stage = Options(TASKS["MRPC"], seed, str(model), Bundle(bundle), glue), stage_named(stage)
    made = make(options, stage, **given)
    said = given_in(made.command, stage.name)
    assert said == {name: str(value) for name, value in given.items()}
    assert options.bundle.command_for(made.key) == made.command
    kinds = {option.name: type(given.get(option.name)) for option in stage.options}
    again = make(options, stage, **{name: kinds[name](value) for name, value in said.items()})
    assert again == made, "made from its own command, it is there already"
    target = Bundle(tmp_path / "published")
    run_publish(options.bundle, target)
    assert given_in(target.manifest(made.key).command, stage.name) == said
