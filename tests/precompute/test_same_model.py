"""One name in a bundle is one model: told by content, refused with a way out, stored so that it loads again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.bert.identity import identity_of
from explorer.bert.packing import read_packed
from explorer.errors import BadRequest
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.live.scoring import ledger_key
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from precompute.options import Options
from precompute.same_model import require_same_model
from tests import tiny
from tests.precompute.conftest import SEED

NAME = "checkpoint-500"
RUN = Run(NAME, "MRPC", SEED)
QUICK = ("--epochs", 1)


@pytest.fixture
def folders(tmp_path, tiny_folder):
    """Two models in folders of one name."""
    first, second = (Path(shutil.copytree(tiny_folder, tmp_path / place / NAME)) for place in ("one", "two"))
    tiny.rewrite(second, lambda state: {name: tensor * 1.5 for name, tensor in state.items()})
    return first, second


@pytest.fixture
def options(glue, tmp_path):
    return ("--task", "MRPC", "--seed", SEED, "--glue-dir", glue, "--bundle", tmp_path / "runs")


def stage(run, verb, options, model, *more):
    return run(verb, *options, "--model", model, *more)


def test_a_second_folder_under_one_name_is_refused(run, folders, options, tmp_path):
    first, second = folders
    made = stage(run, "finetune", options, first, *QUICK)
    assert made.status == 0, made.err
    for verb, more in (("finetune", QUICK), ("study", ()), ("importance", ()), ("finetune", (*QUICK, "--seed", 8))):
        refused = stage(run, verb, options, second, *more)
        assert refused.status == 2, verb
        assert (
            f"{tmp_path / 'runs' / NAME} was made from {first}, and {second} is another model (weights)" in refused.err
        )
        assert "Name another --bundle, or call the folder something else" in refused.err
    apart = Path(shutil.move(second, second.with_name("checkpoint-500-b")))
    assert stage(run, "finetune", options, apart, *QUICK).status == 0, "the advice is true"
    assert [check.problems for check in validate(Bundle(tmp_path / "runs")) if check.problems] == []


def test_the_same_model_elsewhere_goes_on(run, folders, options):
    first, _ = folders
    assert stage(run, "finetune", options, first, *QUICK).status == 0
    copy = shutil.copytree(first, first.parents[1] / "three" / NAME)
    again = stage(run, "finetune", options, copy, *QUICK)
    assert again.status == 0, again.err
    assert stage(run, "importance", options, NAME).status == 0, "by its name in the bundle"


def test_weights_replaced_in_place_are_noticed_where_all_is_done(run, folders, options):
    first, second = folders
    stage(run, "finetune", options, first, *QUICK)
    assert stage(run, "importance", options, NAME).status == 0
    shutil.copy(second / "model.safetensors", first / "model.safetensors")
    for model in (first, NAME):
        for verb in ("finetune", "importance", "score"):
            if (verb, model) != ("score", first):  # that is the folder itself, under no name
                refused = stage(run, verb, options, model)
                assert refused.status == 2, (verb, model)
                assert f"was made when {first} had another weights than now. Put those back" in refused.err
    shutil.rmtree(first)
    gone = stage(run, "importance", options, NAME)
    assert gone.status == 0, "what is done stays done where its model is gone"


def test_the_default_is_not_taken_for_another_model_of_its_name(run, bundle, glue, model):
    refused = run("importance", "--task", "MRPC", "--seed", SEED, "--glue-dir", glue, "--bundle", bundle)
    assert refused.status == 2
    assert f"was made from {model}, and minilm is another model" in refused.err


def test_what_is_stored_loads_from_anywhere(run, folders, options, tmp_path, monkeypatch):
    first, _ = folders
    monkeypatch.chdir(first.parent)
    assert stage(run, "finetune", options, NAME, *QUICK).status == 0
    bundle = Bundle(tmp_path / "runs")
    finetuned = bundle.manifest(Key(RUN, "finetune"))
    assert finetuned.base == identity_of(str(first))
    assert finetuned.config["model"] == finetuned.base.source == str(first)
    assert read_packed(bundle.checkpoint(RUN)).base == str(first)
    assert f"--model {first} --bundle {tmp_path / 'runs'}" in finetuned.command
    assert finetuned.model_content == identity_of(str(bundle.checkpoint(RUN))).content
    monkeypatch.chdir(tmp_path)
    assert stage(run, "importance", options, NAME).status == 0
    assert bundle.manifest(Key(RUN, "importance", "expected")).base == finetuned.base


def test_a_link_keeps_the_name_that_it_was_given(run, folders, options, tmp_path):
    (tmp_path / "mine").symlink_to(folders[0])
    assert stage(run, "finetune", options, tmp_path / "mine", *QUICK).status == 0
    stored = Bundle(tmp_path / "runs").manifest(Key(replace(RUN, model="mine"), "finetune"))
    assert stored.config["model"] == str(tmp_path / "mine"), "else the command in its manifest makes another run"


def test_a_model_of_the_hub_is_the_commit_that_the_bundle_has(folders, glue, tmp_path, monkeypatch):
    bundle = Bundle(tmp_path / "runs")
    asked = identity_of(str(folders[0]))
    base = replace(asked, source=f"org/{NAME}@0123abc")
    from tests.store.test_bundle import manifest

    bundle.write(manifest(Key(RUN, "finetune"), base=base, config={"model": base.source}))
    named = Options(TASKS["MRPC"], SEED, f"org/{NAME}", bundle, glue)
    monkeypatch.setattr("precompute.same_model.identity_of", lambda source: pytest.fail(f"asked the Hub for {source}"))
    require_same_model(named)
    assert named.source == base.source
    monkeypatch.setattr("precompute.same_model.identity_of", lambda source: replace(asked, weights="other"))
    with pytest.raises(BadRequest, match=f"was made from org/{NAME}@0123abc, and .* is another model"):
        require_same_model(replace(named, model=f"org/{NAME}@feed"))


def test_the_ledger_is_asked_by_the_whole_identity(folders):
    from explorer.bert.checkpoints import load_finetuned

    first, _ = folders
    examples = tiny.make_examples(TASKS["MRPC"], 4, seed=1)
    before = Evaluator(load_finetuned(str(first), TASKS["MRPC"]), examples)
    assert ledger_key(before, before.full_mask).checkpoint_sha256 == identity_of(str(first)).content
    tiny.edit_config(first, hidden_act="relu")
    after = Evaluator(load_finetuned(str(first), TASKS["MRPC"]), examples)
    assert ledger_key(after, after.full_mask) != ledger_key(before, before.full_mask)
