"""Links that say what they were made with, and what each page offers to take along."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
import pytest
import segno
from streamlit.testing.v1 import AppTest

from explorer.figures.print.export import INCHES, Origin, csv_text, for_print
from explorer.figures.print.offline import offline_page
from explorer.store.link_fingerprint import fingerprint_of
from explorer.store.schema import Key, Run
from explorer.ui.widgets import plain_text
from explorer.ui.widgets.share import qr_code
from tests.bundles import MODEL, small_bundle
from tests.ui.opened import address, opened, words
from tests.ui.test_pages import CACHE, MRPC, lab, texts
from tests.waiting import HANG_SECONDS

RUN = Run(MODEL, "MRPC", 1337)
ORIGIN = Origin("here")
NAMED = {"model": MODEL, "task": "MRPC", "seed": "1337"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("share") / "bundle", tasks=("MRPC", "RTE"))


# --- links


@pytest.mark.parametrize("page", ["overview", "survival", "tickets", "runs"])
def test_every_page_writes_what_it_was_made_with(monkeypatch, bundle, page):
    test = opened(monkeypatch, page, bundle.root)
    here = fingerprint_of(list(bundle.manifests()), RUN)
    assert address(test, "v") == here.code
    again = opened(monkeypatch, page, bundle.root, **NAMED, v=here.code)
    assert not again.warning


def test_a_link_made_with_another_checkpoint_says_so(monkeypatch, bundle):
    here = fingerprint_of(list(bundle.manifests()), RUN)
    link = replace(here, checkpoint="abc123")
    test = opened(monkeypatch, "survival", bundle.root, **NAMED, v=link.code)
    assert test.warning[0].value == plain_text.plain(
        "This link was made with another checkpoint of MRPC, seed 1337 (abc123) than the one here "
        f"({here.checkpoint}): numbers may differ."
    )
    assert address(test, "v") == here.code
    test.run()
    assert not test.warning
    other = opened(monkeypatch, "survival", bundle.root, **NAMED, v=replace(here, data="abc123").code)
    assert plain_text.plain("made with other dev data of MRPC (abc123)") in other.warning[0].value


@pytest.mark.parametrize("code", ["", "nonsense", "<b>", "abc123.abc123"])
def test_a_mangled_fingerprint_is_ignored(monkeypatch, bundle, code):
    assert not opened(monkeypatch, "survival", bundle.root, **NAMED, v=code).warning


def test_a_link_to_a_run_that_is_not_here_says_just_that(monkeypatch, bundle):
    test = opened(
        monkeypatch, "survival", bundle.root, model=MODEL, task="CoLA", seed="1337", v="abc123." * 2 + "abc123"
    )
    assert len(test.warning) == 1
    assert "'CoLA', which this bundle does not hold" in test.warning[0].value


def test_the_lab_says_where_the_link_scored_other_sentences():
    first = lab(task="MRPC", seed="1337")
    link = str(address(first, "v"))
    assert len(link.split(".")) == 4
    assert not lab(model=MRPC.model, task="MRPC", seed="1337", v=link).warning
    other = lab(model=MRPC.model, task="MRPC", seed="1337", v=f"{link[:-6]}abc123")
    assert plain_text.plain("made with other sentences (abc123)") in texts(other)


def test_the_qr_code_is_the_links_and_needs_no_network():
    link = "http://localhost:8501/lab?model=minilm-l6&task=MRPC&mask=_a4AAUG0QL90cA&v=b9fb56.7004c3.799478"
    svg = qr_code(link)
    assert svg.startswith('<svg role="img" aria-label=')
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    side = segno.make_qr(link, error="m").symbol_size(border=3)[0]
    assert f'viewBox="0 0 {side} {side}"' in svg
    assert qr_code(link + "x") != svg


def test_typed_text_is_never_markup():
    assert plain_text.plain("*a* [b](c) <d> `e` $f$ :red[g]") == (r"\*a\* \[b\]\(c\) \<d\> \`e\` \$f\$ \:red\[g\]")


# --- what can be taken along


def shown(test):
    return dict(test.session_state["exhibits.kept"].exhibits)


PAGES = {
    "overview": (
        {},
        {"overview.good", "overview.rest", "overview.retrained", "overview.unstable", "overview.since"},
    ),
    "survival": ({}, {"survival.grid", "survival.seeds"}),
    "survival, each": ({"view": "each"}, {"survival.each", "survival.agreement", "survival.statistics"}),
    "survival, tasks": ({"view": "tasks"}, {"survival.tasks", "survival.overlap.heads", "survival.overlap.mlps"}),
    "survival, paths": ({"view": "paths"}, {"survival.trajectory"}),
    "survival, weights": ({"view": "weights"}, {"survival.weights", "survival.weights.each"}),
    "survival, paper": ({"view": "paper"}, {"published.beside.MRPC", "published.all"}),
    "tickets": ({}, {"tickets.ours", "tickets.published", "tickets.seeds", "tickets.pairs", "tickets.stability"}),
    "runs": ({}, {"runs.matrix"}),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_of_a_page_can_be_taken_along(monkeypatch, bundle, name):
    query, keys = PAGES[name]
    exhibits = shown(opened(monkeypatch, name.split(",")[0], bundle.root, **query))
    assert set(exhibits) == keys
    assert len({one.title for one in exhibits.values()}) == len(exhibits)
    for one in exhibits.values():
        for inches in INCHES.values() if one.figure is not None else ():
            drawn = for_print(one.drawn(inches), inches)
            assert isinstance(drawn, go.Figure)
            assert drawn.layout.width == pytest.approx(inches * 96)
        assert len(one.table)
        assert csv_text(one, ORIGIN).startswith(f"# {one.title}\n")
    assert "<h2>" in offline_page(name, [], list(exhibits.values()), ORIGIN)


def test_replay_and_lab_offer_the_mask_on_screen(monkeypatch):
    step = CACHE.read(Key(MRPC, "structured", "together")).table.iloc[2]
    test = opened(monkeypatch, "replay", CACHE.root, task="MRPC", seed="1337", step="2")
    run, mask = test.session_state["exhibits.kept"].mask
    assert (run, mask.code) == (MRPC, step["mask"])
    assert set(shown(test)) == {"replay.grid", "replay.path", "replay.gradient"}
    table = shown(test)["replay.path"].table
    assert table["score"].tolist() == CACHE.read(Key(MRPC, "structured", "together")).table["score"].tolist()
    of_lab = lab(task="MRPC", seed="1337", mask=str(step["mask"]))
    assert of_lab.session_state["exhibits.kept"].mask == (MRPC, mask)
    assert set(shown(of_lab)) == {"lab.grid", "lab.score"}


def test_without_a_chrome_the_dialog_says_what_still_goes(monkeypatch, bundle):
    def script():
        from explorer.ui import cached, state
        from explorer.ui.pages.tickets import page as tickets
        from explorer.ui.widgets import exhibits, export_panel

        root = cached.bundle_root()
        stamp = cached.stamp(root)
        manifests = cached.manifests(root, stamp)
        exhibits.begin("Tickets")
        view = state.select(root, stamp, manifests)
        tickets.page(view)
        export_panel.panel(view)

    from explorer.figures.print import render

    monkeypatch.setattr(render, "chrome", lambda: None)
    monkeypatch.setenv("EXPLORER_BUNDLE", str(bundle.root))
    test = AppTest.from_function(script, default_timeout=HANG_SECONDS).run()
    test.button(key="export.open").click().run()
    assert not test.exception
    assert "drawn by a Chrome, and this machine has none" in words(test)
    labels = [one.proto.label for one in test.get("download_button")]
    assert "One offline HTML file" in labels


def test_a_bundle_that_was_switched_to_is_the_sessions(bundle, tmp_path):
    def script():
        import streamlit as st

        from explorer.ui import cached

        st.text(str(cached.bundle_root() == cached.usual_bundle()))

    test = AppTest.from_function(script, default_timeout=HANG_SECONDS)
    test.session_state["view.bundle"] = tmp_path
    assert test.run().text[0].value == "False"
    assert AppTest.from_function(script, default_timeout=HANG_SECONDS).run().text[0].value == "True"
