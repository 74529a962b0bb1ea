import os
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.inter_rater import fleiss_kappa

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.stats.agreement import agreement, alpha_of_totals, kappa_of_totals, q_of_totals

SEEDS = (1337, 42, 86, 71, 166)
ratings = st.integers(2, 6).flatmap(
    lambda n_seeds: st.lists(st.lists(st.booleans(), min_size=n_seeds, max_size=n_seeds), min_size=2, max_size=30)
)


def random_masks(share=0.6, seeds=SEEDS):
    rng = np.random.default_rng(0)
    return {seed: Mask(rng.random((12, 12)) < share, rng.random(12) < share) for seed in seeds}


@given(ratings)
def test_closed_forms_are_the_libraries_own(rows):
    kept = np.array(rows).T  # (S, N)
    assume(kept.any() and not kept.all())
    n_seeds, yes = len(kept), kept.sum(axis=0)
    totals = yes.astype(float)
    table = np.stack([n_seeds - yes, yes], axis=1)
    assert kappa_of_totals(totals, n_seeds) == pytest.approx(fleiss_kappa(table))
    alpha = krippendorff.alpha(reliability_data=kept.astype(int), level_of_measurement="nominal")
    assert alpha_of_totals(totals, n_seeds) == pytest.approx(alpha)
    if not (kept == kept[0]).all():
        q = q_of_totals(totals, kept.sum(axis=1).astype(float))
        assert q == pytest.approx(cochrans_q(kept.T.astype(int)).statistic)


def test_closed_forms_take_a_stack():
    totals = np.random.default_rng(0).integers(0, 6, size=(7, 144)).astype(float)
    assert kappa_of_totals(totals, 5)[3] == kappa_of_totals(totals[3], 5)
    assert alpha_of_totals(totals, 5).shape == (7,)


def test_two_seeds_by_hand():
    # kept in both 1, in the first alone 2, in neither 1: agreement 1/2, expected (4/8)^2 + (4/8)^2 = 1/2
    first, second = np.array([[1, 1], [1, 0]]), np.array([[1, 0], [0, 0]])
    heads, _ = agreement({1: Mask(first, [1, 0]), 2: Mask(second, [1, 0])})
    assert heads.fleiss_kappa.value == pytest.approx(0)
    assert heads.krippendorff_alpha.value == pytest.approx(1 - 0.5 / (0.5 * 8 / 7))
    assert heads.cochrans_q.value == pytest.approx(2)  # (2 - 0)^2 / (2 + 0)
    assert heads.cochrans_q.p == pytest.approx(0.1572992)  # chi-squared above 2 with 1 degree of freedom
    assert heads.pairs[0].cochrans_q.value == heads.cochrans_q.value


def test_every_value_is_the_library_s():
    masks = random_masks()
    kept = np.stack([mask.heads.ravel() for mask in masks.values()]).astype(int)
    heads, mlps = agreement(masks)
    assert (heads.kind, mlps.kind, heads.n_components, mlps.n_components) == ("heads", "mlps", 144, 12)
    yes = kept.sum(axis=0)
    assert heads.fleiss_kappa.value == fleiss_kappa(np.stack([5 - yes, yes], axis=1))
    plain = cochrans_q(kept.T)
    assert (heads.cochrans_q.value, heads.cochrans_q.p) == (plain.statistic, plain.pvalue)
    assert heads.fleiss_kappa.p is None
    assert [(pair.seed_a, pair.seed_b) for pair in heads.pairs] == list(combinations(SEEDS, 2))
    second = cochrans_q(kept[[0, 2]].T)
    assert heads.pairs[1].cochrans_q.value == second.statistic
    assert heads.pairs[1].cochrans_q.p == second.pvalue


def test_random_masks_agree_as_chance_does():
    heads, mlps = agreement(random_masks())
    for statistic in (heads.fleiss_kappa, heads.krippendorff_alpha, mlps.fleiss_kappa):
        chance = statistic.chance
        assert chance.permutations == 1000
        assert chance.low <= statistic.value <= chance.high
        assert chance.p > 0.05
    assert heads.krippendorff_alpha.chance.mean == pytest.approx(0, abs=0.01)
    assert heads.fleiss_kappa.chance.p == heads.krippendorff_alpha.chance.p  # alpha is kappa rescaled


def test_the_seed_decides_the_permutations():
    masks = random_masks()
    assert agreement(masks, permutations=50) == agreement(masks, permutations=50)
    assert agreement(masks, permutations=50) != agreement(masks, permutations=50, seed=1)


def test_equal_masks_agree_wholly():
    mask = random_masks()[42]
    heads, mlps = agreement(dict.fromkeys(SEEDS, mask))
    for found in (heads, mlps):
        assert found.fleiss_kappa.value == pytest.approx(1)
        assert found.krippendorff_alpha.value == pytest.approx(1)
        assert found.fleiss_kappa.chance.p == pytest.approx(1 / 1001)
        assert np.isnan(found.cochrans_q.value)
        assert "nothing differs" in found.cochrans_q.undefined
        assert all("nothing differs" in pair.cochrans_q.undefined for pair in found.pairs)


def test_equal_sizes_make_q_zero_and_say_so():
    masks = {1: Mask([[1, 0], [0, 0]], [1, 0]), 2: Mask([[0, 1], [0, 0]], [0, 1])}
    heads, _ = agreement(masks)
    assert (heads.cochrans_q.value, heads.cochrans_q.p) == (0, 1)
    assert heads.cochrans_q.chance.note == "Every seed keeps 1: Q is 0 however they are shuffled."
    assert heads.cochrans_q.chance.p == 1


@pytest.mark.parametrize(("value", "word"), [(0, "no"), (1, "every")])
def test_all_ratings_alike_leave_agreement_undefined(value, word):
    mask = Mask(np.full((3, 2), value), np.full(3, value))
    for found, kind in zip(agreement({1: mask, 2: mask}), ("head", "MLP"), strict=True):
        for statistic in (
            found.fleiss_kappa,
            found.krippendorff_alpha,
            found.cochrans_q,
            found.pairs[0].cochrans_q,
        ):
            assert np.isnan(statistic.value)
            assert statistic.chance is None
            assert statistic.undefined.startswith(f"All seeds keep {word} {kind}:")


def test_one_seed_leaves_agreement_undefined():
    for found in agreement({42: random_masks()[42]}):
        assert found.pairs == ()
        for statistic in (found.fleiss_kappa, found.krippendorff_alpha, found.cochrans_q):
            assert np.isnan(statistic.value)
            assert "needs two seeds" in statistic.undefined


def test_masks_of_all_or_nothing_cannot_be_shuffled():
    """WNLI as published: four seeds keep no head and one keeps all; no seed keeps an MLP."""
    empty = Mask(np.zeros((12, 12)), np.zeros(12))
    whole = Mask(np.ones((12, 12)), np.zeros(12))
    heads, mlps = agreement(dict(zip(SEEDS, [empty] * 4 + [whole], strict=True)))
    assert heads.fleiss_kappa.value == pytest.approx(-0.25)
    assert heads.fleiss_kappa.chance.p == 1
    assert heads.fleiss_kappa.chance.mean == pytest.approx(-0.25)
    assert "shuffling changes nothing" in heads.fleiss_kappa.chance.note
    assert heads.cochrans_q.value == pytest.approx(576)
    assert "keep no head" in heads.pairs[0].cochrans_q.undefined
    assert heads.pairs[-1].cochrans_q.value == pytest.approx(144)
    assert "keep no MLP" in mlps.fleiss_kappa.undefined


def test_unusable_input_is_refused():
    with pytest.raises(BadRequest, match="no masks"):
        agreement({})
    with pytest.raises(BadRequest, match="different shapes"):
        agreement({1: Mask.full(2, 2), 2: Mask.full(3, 3)})
    with pytest.raises(BadRequest, match="permutations"):
        agreement(random_masks(), permutations=0)


@pytest.mark.parametrize(("task", "kappa"), [("CoLA", 0.2281), ("MNLI", 0.2576), ("RTE", 0.1799), ("WNLI", -0.25)])
def test_the_published_kappas_come_out(task, kappa):
    """Head agreement by Fleiss' kappa from the authors' masks, as their repository states it."""
    clone = os.environ.get("PAPER_CLONE")
    if not clone:
        pytest.skip("PAPER_CLONE names no clone of github.com/sai-prasanna/bert-experiments")
    folder = Path(clone) / "masks" / "heads_mlps" / task
    masks = {
        seed: Mask(
            np.load(folder / f"seed_{seed}" / "head_mask.npy"),
            np.load(folder / f"seed_{seed}" / "mlp_mask.npy"),
        )
        for seed in SEEDS
    }
    heads, _ = agreement(masks)
    assert round(heads.fleiss_kappa.value, 4) == kappa
