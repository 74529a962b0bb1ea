"""The stage attention on a tiny model with a classifier put in, and the tool that draws maps for labelling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.bert.attention import attention_maps
from explorer.bert.checkpoints import load_finetuned, load_pretrained
from explorer.bert.engine import Engine
from explorer.errors import BadBundle, BadRequest
from explorer.glue.diagnostics import sentences_of_stored_maps
from explorer.glue.encoding import encode
from explorer.glue.tasks import TASKS, Examples
from explorer.glue.tokens import tokens_of
from explorer.mask import Mask
from explorer.patterns.per_head import MapClassifier, column
from explorer.patterns.samples import unpack_samples
from explorer.patterns.statistics import statistics
from explorer.store.bundle import Bundle
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.store.stages import stage_named
from explorer.store.validation import validate
from precompute.options import Options
from precompute.patterns import rare_maps
from precompute.patterns.contact_sheets import write_sheets
from precompute.patterns.label_maps import draw_maps, sources_of
from precompute.stage_verbs import make
from precompute.stages import attention
from precompute.stages.attention import SAMPLES, SENTENCES, sentences_for
from tests.precompute.conftest import SEED

NAME = "minilm-l6"
RUN = Run(NAME, "MRPC", SEED)


def first_column(maps):
    """A classifier that calls a map vertical by what its first column holds."""
    share = np.array([one[:, 0].sum() / one.sum() for one in maps])
    zero = np.zeros_like(share)
    return np.stack([1 - share, zero, zero, share, zero], axis=1)


FIRST = MapClassifier(first_column, 0.5, "v1")


@pytest.fixture
def options(bundle, glue):
    return Options(TASKS["MRPC"], SEED, NAME, Bundle(bundle))


@pytest.mark.parametrize("kind", ["finetuned", "pretrained"])
def test_the_artefact_is_what_its_parts_say(options, model, kind):
    made = attention.make(options, kind, FIRST)
    seed = SEED if kind == "finetuned" else ALL_SEEDS
    assert made.key == Key(Run(NAME, "MRPC", seed), "attention", kind)
    classifier = (
        load_finetuned(str(options.bundle.checkpoint(RUN)), TASKS["MRPC"])
        if kind == "finetuned"
        else load_pretrained(str(model), TASKS["MRPC"], 0)
    )
    assert made.checkpoint_sha256 == classifier.sha256
    sentences = sentences_for(TASKS["MRPC"])
    assert made.data["sentences"]["sha256"] == sentences.sha256
    stored = options.bundle.read(made.key)
    encoded = encode(sentences, classifier.tokenizer)
    values = []
    for index, maps in enumerate(attention_maps(Engine(classifier), encoded, Mask.full(3, 4))):
        values.append(statistics(maps.norm_weighted, tokens_of(classifier.tokenizer, *encoded.example(index))))
    np.testing.assert_allclose(column(stored.table, "norm", "cls"), np.mean(values, 0)[..., 2], rtol=1e-5)
    np.testing.assert_allclose(column(stored.table, "norm", "cls_sd"), np.std(values, 0, ddof=1)[..., 2], rtol=1e-4)
    raw = column(stored.table, "raw", "cls")  # rows sum to 1, so the first column's share is what [CLS] gets
    np.testing.assert_allclose(column(stored.table, "raw", "probability_vertical"), raw, rtol=1e-5)
    assert (stored.table["n"] == SENTENCES).all()
    samples = unpack_samples(stored.arrays)
    assert len(samples) == SAMPLES
    texts = [item.texts for item in sentences.items]
    for sample in samples:
        one = encoded.subset(np.array([texts.index(sample.texts)]))
        (maps,) = attention_maps(Engine(classifier), one, Mask.full(3, 4))
        np.testing.assert_allclose(sample.maps.raw, maps.raw, atol=2 / 255)
        np.testing.assert_allclose(sample.maps.norms, maps.norms, rtol=1e-3)
        assert sample.tokens.texts == tokens_of(classifier.tokenizer, *one.example(0)).texts
    assert not [problem for check in validate(options.bundle) for problem in check.problems]


def test_it_is_made_once_and_anew_for_another_classifier(options):
    made = attention.make(options, "finetuned", FIRST)

    def never(maps):
        raise AssertionError("computed again")

    assert attention.make(options, "finetuned", replace(FIRST, classify=never)) == made
    again = attention.make(
        options, "finetuned", replace(FIRST, classify=lambda maps: np.eye(5)[np.ones(len(maps), int)], sha256="v2")
    )
    assert again.config["classifier"] == "v2"
    assert (options.bundle.read(made.key).table["pattern"] == "block").all()


def test_the_pretrained_maps_are_those_of_any_seed(options):
    first = attention.make(options, "pretrained", FIRST)
    other = replace(options, seed=99)
    assert attention.make(other, "pretrained", FIRST) == first
    with pytest.raises(BadBundle, match="seed_99/finetune"):
        attention.make(other, "finetuned", FIRST)
    with pytest.raises(BadRequest, match=r"no kind 'tuned' for attention\. It takes finetuned, pretrained"):
        make(options, stage_named("attention"), kind="tuned")


@pytest.mark.parametrize("name", list(TASKS))
def test_sentences_are_our_own_of_the_tasks_form_and_always_the_same(name):
    task = TASKS[name]
    sentences = sentences_for(task)
    assert isinstance(sentences, Examples)
    assert len(sentences) == SENTENCES == len(set(sentences.items))
    assert sentences.sha256 == sentences_for(task).sha256
    assert {len(item.texts) for item in sentences.items} == {2 if task.is_pair else 1}
    own = {
        item.texts
        for probed in ("CoLA", "SST-2", "MRPC", "STS-B", "RTE")
        for item in sentences_of_stored_maps(TASKS[probed]).items
    }
    assert {item.texts for item in sentences.items} <= own
    assert sentences.source.startswith("built-in diagnostics")


def test_stored_attention_was_measured_on_these_very_sentences():
    """A part that is written later may not change what stored artefacts are tied to."""
    cache = Bundle(Path(__file__).resolve().parents[2] / "cache")
    stored = [manifest for manifest in cache.manifests() if manifest.stage == "attention"]
    assert {manifest.task for manifest in stored} >= {"MRPC", "RTE", "CoLA", "SST-2"}
    for manifest in stored:
        assert manifest.data["sentences"]["sha256"] == sentences_for(TASKS[manifest.task]).sha256, manifest.key


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("CoLA", "01887e384dede0e9d27292430729f5f046e0d45371b22fc31c09fb1236542c5a"),
        ("SST-2", "e150061b718907371f2c137e659d0e3edcfac0ac4bbe47f45d076f9cee158714"),
        ("MRPC", "3f942f2e0ea96a10f571600df6ed432500d0a956ed5301fe03078e9e36cc00b8"),
        ("STS-B", "11c950d872637f281c8f4c981276a4d42057b115434bab51acb36b1523137126"),
        ("QQP", "3f942f2e0ea96a10f571600df6ed432500d0a956ed5301fe03078e9e36cc00b8"),
        ("MNLI", "fd0ab672d90c787982c589e6a3cdc0856b6e55c973280fd1567139f5e255e283"),
        ("QNLI", "fd0ab672d90c787982c589e6a3cdc0856b6e55c973280fd1567139f5e255e283"),
        ("RTE", "84a94436c2c802279f68bd184aa02ae4615f997aa97c48b479e75bc88cb1527b"),
        ("WNLI", "f7ae65ce64439db225ae3a75bed502e8eee2266cf3bc12fdeef79b2aca701abc"),
    ],
)
def test_no_task_reads_other_sentences_than_it_always_did(name, sha256):
    assert sentences_for(TASKS[name]).sha256 == sha256


def test_maps_are_drawn_evenly_and_are_the_models(options, model, tmp_path):
    sources = sources_of(options.bundle, [RUN], str(model))
    drawn = draw_maps(sources, 4, seed=0)
    assert len(drawn) == 3 * 4 * 4
    assert [one.id for one in drawn[:2]] == ["m000", "m001"]
    for place in np.ndindex(3, 4):
        mine = [one for one in drawn if (one.layer, one.head) == place]
        assert sorted(one.kind for one in mine) == ["norm", "norm", "raw", "raw"]
    assert {one.task for one in drawn} == {"pretrained", "MRPC"}
    for one in drawn[:6]:
        source = next(source for source in sources if source.task == one.task)
        encoded = source.sentences[one.sentence_set].subset(np.array([one.index]))
        (maps,) = attention_maps(Engine(source.classifier), encoded, Mask.full(3, 4))
        expected = maps.raw if one.kind == "raw" else maps.norm_weighted
        np.testing.assert_array_equal(one.weights, expected[one.layer, one.head])
    same = draw_maps(sources, 4, seed=0)
    assert all(np.array_equal(a.weights, b.weights) for a, b in zip(drawn, same, strict=True))
    paths = write_sheets(drawn, tmp_path / "sheets")
    assert [path.name for path in paths] == ["sheet_01.png", "sheet_02.png", "sheet_03.png"]
    picture = np.asarray(Image.open(paths[0]).convert("L"))
    assert picture.min() == 0
    assert (picture == 255).mean() > 0.1
    with pytest.raises(BadRequest, match="one or more of each head"):
        draw_maps(sources, 0, seed=0)


def test_rare_maps_are_as_many_of_each_class_as_asked_and_of_those_heads_only(options, model, monkeypatch):
    sources = sources_of(options.bundle, [RUN], str(model))
    heads = {(0, 1), (2, 3)}

    class ByStrength:
        """Puts a map into a class by its strongest cell's column."""

        def classify(self, maps):
            return np.eye(5)[[int(one.argmax() % len(one)) % 2 for one in maps]]

    monkeypatch.setattr(rare_maps, "SENTENCES", 12)
    drawn = rare_maps.draw_rare_maps(sources, heads, ByStrength(), per_class=9, per_head=6, seed=0)
    assert [one.id for one in drawn] == [f"r{number:03d}" for number in range(len(drawn))]
    assert {(one.layer, one.head) for one in drawn} == heads
    assert {one.kind for one in drawn} == {"raw", "norm"}
    said = ByStrength().classify([one.weights for one in drawn]).argmax(axis=1)
    counts = np.bincount(said, minlength=5)
    assert counts.max() <= 9
    assert counts[2:].sum() == 0
    for number in (0, 1):
        of_head = [(one.layer, one.head) for one, label in zip(drawn, said, strict=True) if label == number]
        assert all(of_head.count(head) <= 6 for head in heads)


def test_a_run_is_named_by_task_and_seed(run, bundle):
    ran = run("label-maps", "--bundle", bundle, "--run", "MRPC")
    assert ran.status == 2
    assert "'MRPC' is not TASK:SEED. For example MRPC:1337." in ran.err
