"""The league on a tiny model: each half under the order of the other, as the reference scores; killed, it goes on."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.bert.checkpoints import load_finetuned
from explorer.bert.reference import reference_logits
from explorer.glue.encoding import encode
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.stats.areas import area_under
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.store.validation import validate
from explorer.study.league import league_of, meaning, over_seeds
from explorer.tickets.criteria import CHANCE, CRITERIA, expected, halves_of, order_of
from precompute.options import Options
from precompute.stages import league
from tests.precompute.conftest import ROWS, SEED

RUN, SHAPE, PARTS = Run("minilm-l6", "MRPC", SEED), (3, 4), 15
KEY = Key(RUN, "league")


@pytest.fixture(scope="module")
def made(finetuned_bundle, glue, tmp_path_factory):
    """A copy of the fine-tuned bundle with the league; the first call is killed half-way."""
    import shutil

    root = shutil.copytree(finetuned_bundle, tmp_path_factory.mktemp("league") / "bundle")
    options = Options(TASKS["MRPC"], SEED, "minilm-l6", Bundle(root), glue)
    scored, calls = league.score_masks, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return scored(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(league, "DRAWS", 3)
        patch.setattr(league, "NODES", 4)
        patch.setattr(league, "score_masks", killed)
        with pytest.raises(KeyboardInterrupt):
            league.make(options)
        patch.setattr(league, "gate_gradients", None)  # measured already: not measured again
        league.make(options)
        again = league.make(options)
    bundle = Bundle(root)
    assert again == bundle.manifest(KEY)
    assert not bundle.work_folder(KEY).exists()
    return bundle


def test_its_artefact_is_what_the_bundle_promises(made):
    problems = [problem for problem in validate(made) if "league" in str(problem)]
    assert not problems
    stored = made.read(KEY)
    assert stored.table["criterion"].nunique() == len(CRITERIA)
    assert len(stored.table) == (len(CRITERIA) - 1 + 3) * (PARTS + 1)
    assert stored.arrays["gradients"].shape == (ROWS, PARTS)


def test_each_half_is_scored_under_the_order_of_the_other(made, glue):
    stored = made.read(KEY)
    first, second = halves_of(ROWS)
    gradients = stored.arrays["gradients"].astype(np.float64)
    at = list(stored.manifest.summary["criteria"]).index("expected")
    of_first, of_second = stored.arrays["orders"][at]
    np.testing.assert_allclose(stored.arrays["worth"][at][0], expected(gradients[first]), rtol=1e-2)
    np.testing.assert_array_equal(of_first, order_of(stored.arrays["worth"][at][1]))
    np.testing.assert_array_equal(of_second, order_of(stored.arrays["worth"][at][0]))
    dev = folder_examples(glue, TASKS["MRPC"], "dev")
    model = load_finetuned(str(made.checkpoint(RUN)), TASKS["MRPC"])
    encoded, labels = encode(dev, model.tokenizer), dev.labels
    table = stored.table
    for removed in (0, 4, 9, PARTS):
        row = table[(table["criterion"] == "expected") & (table["removed"] == removed)].iloc[0]
        right = []
        for half, code in ((first, row["mask_first"]), (second, row["mask_second"])):
            said = reference_logits(model, encoded, Mask.from_code(code, *SHAPE)).argmax(1)
            np.testing.assert_array_equal(stored.arrays["predictions"][at, removed, half], said[half])
            right.append((said[half] == labels[half]).mean())
        assert row["score"] == pytest.approx(np.mean(right))
        assert row["low"] <= row["score"] <= row["high"]


def test_the_league_reads_areas_and_differences_from_it(made):
    found = league_of(made.read(KEY))
    assert [one.area for one in found.standings] == sorted((one.area for one in found.standings), reverse=True)
    of = found.curves[found.curves["criterion"] == "fisher"].sort_values("removed")["score"].to_numpy()
    assert found.standing("fisher").area == pytest.approx(area_under(of), abs=1e-6)
    paper, chance = found.standing("expected"), found.standing(CHANCE)
    assert (paper.against_expected.value, paper.against_expected.low, paper.against_expected.high) == (0, 0, 0)
    assert paper.against_chance.value == pytest.approx(paper.area - chance.area, abs=1e-6)
    assert found.draws == 3
    assert found.full_score == found.curves["score"].max() or found.components == PARTS
    assert "on average over all sizes" in meaning(found, "accuracy")
    first, second = found.masks_at("expected", 4, SHAPE)
    assert first.heads_kept + first.mlps_kept == second.heads_kept + second.mlps_kept == PARTS - 4
    with pytest.raises(KeyError):
        found.masks_at(CHANCE, 4, SHAPE)
    spread = over_seeds([found, found])["expected"]
    assert (spread.n, spread.mean) == (2, pytest.approx(paper.area))


def test_all_orders_start_from_the_full_model_and_end_with_nothing(made):
    table = made.read(KEY).table
    for removed in (0, PARTS):
        assert (
            table[table["removed"] == removed][["mask_first", "mask_second", "score"]].drop_duplicates().shape[0] == 1
        )
