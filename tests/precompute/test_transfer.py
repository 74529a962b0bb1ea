"""Stage transfer on a tiny model: every ticket beside masks of its size, as the reference scores them."""

from __future__ import annotations

import re
import shutil

import pytest

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.errors import BadRequest
from explorer.glue.encoding import encode
from explorer.glue.metrics import score_of
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.live.evaluator import Evaluator
from explorer.mask import Mask, without_heads
from explorer.store import saved_state
from explorer.store.bundle import MANIFEST, Bundle
from explorer.store.inventory import Inventory
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.stored_scores import known_run
from explorer.study.transfer import transferred
from explorer.study.transfer_retrained import retrained_away
from precompute.options import Options
from precompute.stages import retrain, transfer
from tests.precompute.conftest import SEED

RUN = Run("minilm-l6", "MRPC", SEED)
OWN, OTHER = Mask.full(3, 4).with_layer(0, False), Mask.full(3, 4).with_head(1, 1, False)


def test_tickets_of_other_tasks_beside_their_like(finetuned_bundle, glue, tmp_path, monkeypatch):
    bundle = Bundle(shutil.copytree(finetuned_bundle, tmp_path / "bundle"))
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", bundle, glue)
    with pytest.raises(BadRequest, match="No other task of this bundle is pruned with seed") as refused:
        transfer.make(options)
    assert f"`python -m precompute finetune --task CoLA --seed {SEED}" in str(refused.value)
    assert f", then `python -m precompute prune --task CoLA --seed {SEED}" in str(refused.value)
    assert str(refused.value).count(f"--bundle {bundle.root}") == 2, "it runs as pasted"
    tickets = {"MRPC": {SEED: OWN}, "RTE": {SEED: OTHER}, "CoLA": {SEED + 1: OTHER}}
    monkeypatch.setattr(transfer, "tickets_by_task", lambda *_: tickets)
    made = transfer.make(options)
    assert transfer.make(options) == made
    assert not [problem for problem in validate(bundle) if "transfer" in str(problem)]
    artefact = bundle.read(Key(RUN, "transfer"))
    table = artefact.table
    assert list(table["ticket"]) == ["MRPC"] * 21 + ["RTE"] * 21
    for ticket, mask in (("MRPC", OWN), ("RTE", OTHER)):
        rows = table[table["ticket"] == ticket]
        assert set(rows["heads_kept"]) == {mask.heads_kept}
        assert set(rows["mlps_kept"]) == {mask.mlps_kept}
        assert rows["mask"].iloc[0] == mask.code
    dev, model = folder_examples(glue, TASKS["MRPC"], "dev"), load_finetuned(str(bundle.checkpoint(RUN)), TASKS["MRPC"])
    logits = reference_logits(model, encode(dev, model.tokenizer), OTHER)
    (home, away) = transferred(artefact, known_run(bundle, RUN))
    assert away.score == score_of(TASKS["MRPC"], logits, dev.labels)
    assert (home.own, away.own, home.draws) == (True, False, 20)
    tickets["STS-B"] = {SEED: OWN}
    assert transfer.make(options).summary["tickets"] == 3, "made anew with what has come in"


def test_heads_that_are_gone_are_in_no_rival_and_in_no_ticket():
    whole = without_heads(3, 4, [(1, 0), (1, 1), (2, 3)])
    own, *others = transfer.rivals(OTHER, whole)
    assert own == OTHER.within(whole)
    for rival in others:
        assert rival == rival.within(whole)
        assert (rival.heads_kept, rival.mlps_kept) == (own.heads_kept, own.mlps_kept)
    assert transfer.rivals(OWN, Mask.full(3, 4))[0] == OWN


def test_it_goes_on_where_it_was_stopped(finetuned_bundle, glue, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    bundle = Bundle(shutil.copytree(finetuned_bundle, tmp_path / "bundle"))
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", bundle, glue)
    tickets = {"MRPC": {SEED: OWN}, "RTE": {SEED: OTHER}}
    monkeypatch.setattr(transfer, "tickets_by_task", lambda *_: tickets)
    save, evaluated = saved_state.SavedState.save, []

    def saving(self, **arrays):
        save(self, **arrays)
        raise Killed

    def counted(self, masks, *rest):
        evaluated.extend(masks)
        return many(self, masks, *rest)

    many = Evaluator.evaluate_many
    with monkeypatch.context() as patch:
        patch.setattr(saved_state.SavedState, "save", saving)
        patch.setattr(Evaluator, "evaluate_many", counted)
        with pytest.raises(Killed):
            transfer.make(options)
    first = set(evaluated)
    evaluated.clear()
    monkeypatch.setattr(Evaluator, "evaluate_many", counted)
    made = transfer.make(options)
    assert first
    assert not first & set(evaluated)
    assert len(first) + len(set(evaluated)) == made.summary["masks"]


def test_a_ticket_of_another_task_is_retrained_beside_as_many_parts_at_random(
    finetuned_bundle, glue, tmp_path, monkeypatch
):
    bundle = Bundle(shutil.copytree(finetuned_bundle, tmp_path / "bundle"))
    manifest = bundle.root / RUN.path / "finetune" / MANIFEST  # retraining, whose recipe it names, need not learn
    manifest.write_text(re.sub('"epochs": [0-9]+', '"epochs": 2', manifest.read_text()))
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", bundle, glue)
    with pytest.raises(BadRequest, match="RTE has no ticket of seed 7 in this bundle"):
        retrain.make(options, "good", "RTE")
    monkeypatch.setattr(retrain, "task_tickets", lambda *_: {SEED: OWN})
    with pytest.raises(BadRequest, match="Another task's bad is not retrained"):
        retrain.make(options, "bad", "RTE")
    with pytest.raises(BadRequest, match="MRPC's ticket is this task's own"):
        retrain.make(options, "good", "MRPC")
    for kind in ("good", "random"):
        made = retrain.make(options, kind, "RTE")
        assert made.key.variant == f"{kind}-of-RTE"
        assert f"--kind {kind} --ticket-of RTE" in made.command
        mask = Mask.from_code(str(made.config["mask"]), 3, 4)
        assert (mask == OWN) == (kind == "good")
        assert (mask.heads_kept, mask.mlps_kept) == (OWN.heads_kept, OWN.mlps_kept)
    assert retrain.make(options, "random", "RTE") == made
    assert not [problem for problem in validate(bundle) if "-of-" in str(problem)]
    (found,) = retrained_away(bundle, Inventory(bundle.manifests()), known_run(bundle, RUN))
    assert (found.ticket, found.heads, found.over_own) == ("RTE", OWN.heads_kept, None)
    assert found.over_random is not None
    assert found.over_random.value_a == found.score
