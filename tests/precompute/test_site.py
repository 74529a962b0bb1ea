"""The bundle as files: its numbers, escaped and small, nothing loaded, and no folder of anybody else's touched."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from explorer.errors import BadRequest
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.folder_locks import writer_of
from explorer.store.schema import Key, Run
from explorer.tickets.pruning_path import rows_of
from precompute.bundle.site import INDEX, LARGEST, run_site
from tests.bundles import MODEL, H, L, small_bundle, ticket

SEEDS = (1337, 42)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Two tasks with two seeds each, whose pruning paths say what chose their steps."""
    made = small_bundle(tmp_path_factory.mktemp("bundles") / "shown", tasks=("MRPC", "RTE"), seeds=SEEDS)
    for task in ("MRPC", "RTE"):
        for seed in SEEDS:
            path = made.read(Key(Run(MODEL, task, seed), "structured", "together"))
            rng, steps = np.random.default_rng(seed), len(path.table)
            chosen = {"importance_heads": rng.random((steps, L, H)), "importance_mlps": rng.random((steps, L))}
            made.write(path.manifest, table=path.table, arrays={**path.arrays, **chosen})
    return Bundle(made.root, called="shown")


@pytest.fixture(scope="module")
def folder(bundle, tmp_path_factory):
    made = run_site(bundle, tmp_path_factory.mktemp("sites") / "site")
    assert all(size == (made.folder / name).stat().st_size for name, size in made.bytes.items())
    return made.folder


def told(page):
    """What the scripts of a page draw."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())[1])


def test_an_index_links_every_task_and_says_its_headline(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["MRPC.html", "RTE.html", INDEX]
    index = (folder / INDEX).read_text()
    for task in ("MRPC", "RTE"):
        assert f'<a href="{task}.html">{task}</a>' in index
    assert index.count("The good ticket keeps ") == 2


def test_slider_and_replay_hold_the_stored_scores(bundle, folder):
    data = told(folder / "MRPC.html")
    for number, seed in enumerate(SEEDS):
        stored = bundle.read(Key(Run(MODEL, "MRPC", seed), "structured", "together"))
        rows = rows_of(stored.table, (L, H))
        shown = data["replay"]["paths"][number]
        assert (shown["seed"], len(shown["steps"])) == (f"Seed {seed}", len(rows))
        for row, step, stop in zip(rows, shown["steps"], data["hero"]["seeds"][number]["stops"], strict=False):
            exact = [row.score, row.low, row.high]
            assert [step[name] for name in ("score", "low", "high")] == pytest.approx(exact, abs=1e-6)
            assert [stop[name] for name in ("score", "low", "high")] == pytest.approx(exact, abs=1e-5)
            assert step["code"] == stop["code"] == row.mask.code
            assert (step["n"], step["held"]) == (row.n, row.held)


def test_survival_is_the_share_of_seeds_and_each_seed_its_ticket(folder):
    board = told(folder / "MRPC.html")["boards"]["survival-together"]
    share = np.mean([ticket(seed).heads for seed in SEEDS], axis=0)
    assert board["fill"]["heads"] == share.tolist()
    everything = ["All 2 seeds", Mask.full(L, H).code]
    assert board["states"] == [everything, *([f"Seed {seed}", ticket(seed).code] for seed in SEEDS)]


def test_tables_hold_every_score_with_its_interval(bundle, folder):
    page = (folder / "MRPC.html").read_text()
    for seed in SEEDS:
        said = bundle.manifest(Key(Run(MODEL, "MRPC", seed), "retrained", "bad")).summary
        assert f"{said['score']:.3f} [{said['low']:.3f}, {said['high']:.3f}]" in page
    assert "n = 60" not in page  # the tables say it once, above
    assert "over 60 dev examples" in page


def test_nothing_is_loaded_and_no_path_of_this_machine_is_told(bundle, folder):
    for path in folder.iterdir():
        page = path.read_text()
        assert len(page.encode()) < LARGEST
        assert "default-src 'none'" in page
        assert not re.search(
            r"<(?:link|img|iframe)\b|\bsrc=|@import|url\((?!#)|\bfetch\(|\bimport\s*\(|^\s*(?:import|export) ",
            page,
            re.M,
        )
        assert str(bundle.root.parent) not in page
        assert set(re.findall(r'href="(https?://[^"]*)"', page)) <= {"https://arxiv.org/abs/2005.00561"}


def test_of_one_seed_nothing_is_said_of_others(tmp_path):
    small = small_bundle(tmp_path / "one", seeds=(42,), stages=())
    page = (run_site(small, tmp_path / "site").folder / "MRPC.html").read_text()
    assert "survive in every seed" not in page
    assert "t-interval</th>" not in page
    with pytest.raises(BadRequest, match="has no run of CoLA"):
        run_site(small, tmp_path / "other", ["CoLA"])
    assert not (tmp_path / "other").exists()


def test_a_site_of_ours_is_replaced_and_any_other_folder_refused(bundle, folder, tmp_path):
    there = tmp_path / "there"
    run_site(bundle, there, ["MRPC"])
    again = run_site(bundle, there, ["RTE"])
    assert sorted(path.name for path in there.iterdir()) == ["RTE.html", INDEX] == sorted(again.bytes)
    assert not writer_of(there)
    (there / "thesis.txt").write_text("years of work")
    with pytest.raises(BadRequest, match="no site of this program"):
        run_site(bundle, there)
    assert (there / "thesis.txt").read_text() == "years of work"
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / INDEX).write_text("<h1>Somebody's</h1>")
    with pytest.raises(BadRequest, match="no site of this program"):
        run_site(bundle, foreign)


def test_what_looks_like_html_in_the_data_stays_text():
    from explorer.figures.site.document import document, heading, markdown, table

    bad = "</script><img src=x onerror=alert(1)>"
    made = [markdown(bad), heading(2, bad), table(bad, [{bad: bad}])]
    page = document(bad, made, {"words": bad}, links=[("#x", bad)], home=True)
    assert "<img" not in page
    assert page.count("</script>") == 2
