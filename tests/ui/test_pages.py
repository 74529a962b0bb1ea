"""Each page through Streamlit's AppTest, on the bundle that ships. Clicks on the grid are tested in tests/browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer.live.worker import Waiting
from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.schema import Key, Run
from explorer.ui.scoring import request
from tests.ui.cards import card, card_words
from tests.ui.opened import _page, address, opened
from tests.ui.test_words import WHOLE
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
CACHE = Bundle(ROOT / "cache")
MRPC = Run("minilm-l6", "MRPC", 1337)


def app(page="", **query):
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=HANG_SECONDS)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    if page:
        test.switch_page(page).run()
    return test


def texts(test):
    kinds = (test.markdown, test.caption, test.info, test.warning)
    return "\n".join([*(str(e.value) for kind in kinds for e in kind), card_words(test)])


def test_the_app_opens_on_the_four_claims():
    test = app()
    assert not test.exception
    assert test.header[0].value == "MRPC: do these two sentences say the same?"
    assert "fine-tuned with 5 " in texts(test)
    assert any("<th scope='row'>SST-2</th>" in element.proto.body for element in test.get("html"))


def test_survival_opens_on_the_cache_and_names_every_seed(monkeypatch):
    test = opened(monkeypatch, "survival", CACHE.root)
    assert test.header[0].value == "MRPC: do these two sentences say the same?"
    tickets = test.dataframe[0].value
    assert list(tickets["seed"]) == ["1337", "42", "86", "71", "166"]
    stored = CACHE.manifest(Key(MRPC, "structured", "together")).summary
    assert tickets["good ticket"][0].startswith(f"{stored['ticket_score']:.3f} [")


def test_survival_of_the_task_in_the_url(monkeypatch):
    test = opened(monkeypatch, "survival", CACHE.root, task="SST-2", seed="42")
    assert test.header[0].value == "SST-2: is this film review positive?"
    assert test.selectbox(key="view.seed").value == "42"


def test_a_link_to_what_is_not_there_is_answered_in_words():
    test = app(task="<script>alert(1)</script>")
    assert not test.exception
    assert "which this bundle does not hold" in test.warning[0].value
    assert "on **MRPC**" in texts(test)


@pytest.mark.parametrize("page", [*WHOLE, "lab", "runs"])
def test_nothing_moves_when_a_notice_goes(monkeypatch, page):
    """What moved would be on the page twice, in its old place and in its new one, until that run of it ends."""
    test = opened(monkeypatch, page, CACHE.root, seed="9999")
    places = {place: type(block) for place, block in test.main.children.items()}
    assert "which this bundle does not hold" in test.warning[0].value
    test.run()
    assert not [told for told in test.warning if "does not hold" in told.value]
    assert {place: type(block) for place, block in test.main.children.items()} == places


@pytest.mark.parametrize("page", ["lab", "game"])
def test_nothing_moves_when_the_score_comes(monkeypatch, page):
    """As with notices: a race that moved was on the page twice, and a press on the old one was lost."""
    asked = request.ask
    monkeypatch.setattr(request, "ask", lambda *_: request.Standing(Waiting(3)))
    test = opened(monkeypatch, page, CACHE.root, task="SST-2", mask=Mask.full(6, 12).with_head(0, 0, False).code)
    before = places(test.main)
    assert len(before) > 1
    monkeypatch.setattr(request, "ask", asked)
    test.run()
    after = places(test.main)
    assert {name: after[name] for name in before} == before


def places(block, path=()):
    """Where on the page each component stands, by its key, with the kind of each block around it."""
    found = {}
    for at, child in block.children.items():
        here = (*path, at, type(child).__name__)
        if getattr(child, "children", None):
            found |= places(child, here)
        elif child.type == "bidi_component":
            found[child.proto.id.rsplit("-", 1)[-1], child.proto.component_name] = here
    return found


def test_browsing_imports_no_torch():
    import subprocess
    import sys

    program = (
        "import sys, pytest; from pathlib import Path; from tests.ui.opened import opened\n"
        "for page in ('overview', 'survival', 'tickets'):\n"
        f"    t = opened(pytest.MonkeyPatch(), page, Path({str(CACHE.root)!r}))\n"
        "    assert t.header[0].value, page\n"
        "    assert 'torch' not in sys.modules, page"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def lab(**query):
    """The lab through its page function: AppTest cannot open a page that is a function by its path."""

    def script():
        from explorer.ui import cached, state
        from explorer.ui.pages.lab import page

        root = cached.bundle_root()
        stamp = cached.stamp(root)
        page.page(state.select(root, stamp, cached.manifests(root, stamp)))

    test = AppTest.from_function(script, default_timeout=HANG_SECONDS)
    for name, value in query.items():
        test.query_params[name] = value
    return test.run()


def test_lab_without_glue_scores_the_diagnostics_and_says_so():
    test = lab()
    assert not test.exception
    assert "sentences written for this project" in texts(test)
    shown = card(test)
    assert shown["title"] == "Accuracy on the sentiment diagnostics"
    assert shown["interval"].endswith("n = 120 (plain part)")
    assert shown["chip"] == ["full", "This is the full model"]
    assert shown["stored"]["title"] == "Accuracy on SST-2 dev, stored in this bundle"
    stored = CACHE.manifest(Key(Run("minilm-l6", "SST-2", 1337), "finetune")).summary["score"]
    assert shown["stored"]["value"] == f"{stored:.3f}"


@pytest.mark.parametrize(("part", "ends"), [("hard", "n = 448 (hard part)"), ("all", "n = 728 (all parts)")])
def test_the_score_says_which_part_of_the_diagnostics_it_is_on(part, ends):
    test = lab(task="MRPC", seed="1337")
    assert card(test)["interval"].endswith("n = 280 (plain part)")
    assert test.segmented_control(key="lab.part.MRPC").options == ["Plain", "Hard", "All"]
    test.segmented_control(key="lab.part.MRPC").set_value(part).run()
    assert not test.exception
    assert card(test)["interval"].endswith(ends)


def test_without_glue_the_lab_opens_on_a_task_whose_full_model_beats_the_baseline():
    axis = card(lab())["axis"]
    assert axis["full"]["low"] > axis["baseline"]
    assert axis["line"] == pytest.approx(0.9 * axis["full"]["at"])


def test_without_glue_a_task_that_was_chosen_stays():
    assert card(lab(task="CoLA"))["stored"]["title"].startswith("Matthews correlation on CoLA dev")


def test_lab_shows_the_stored_score_of_a_known_mask():
    summary = CACHE.manifest(Key(MRPC, "structured", "together")).summary
    test = lab(task="MRPC", seed="1337", mask=str(summary["ticket"]))
    assert not test.exception
    assert card(test)["stored"]["value"] == f"{summary['ticket_score']:.3f}"


def test_lab_leaves_out_a_mask_for_another_model():
    test = lab(task="MRPC", seed="1337", mask=Mask.full(12, 12).code)
    assert not test.exception
    assert "mask was left out" in test.warning[0].value


def test_presets_set_the_mask():
    test = lab(task="MRPC")
    test.button(key="lab.preset.Good ticket").click().run()
    assert not test.exception
    ticket = CACHE.manifest(Key(MRPC, "structured", "together")).summary["ticket"]
    assert test.query_params["mask"] in (ticket, [ticket])


def test_a_folder_that_is_not_glue_is_answered_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("GLUE_DIR", str(tmp_path / "nowhere"))
    test = lab()
    assert not test.exception
    assert "There is no GLUE folder" in texts(test)


@pytest.mark.parametrize("damage", ["missing", "truncated", "older"])
def test_a_damaged_bundle_names_its_mend(monkeypatch, tmp_path, damage):
    root = tmp_path / "cache"
    if damage != "missing":
        shutil.copytree(CACHE.root / MRPC.path, root / MRPC.path)
        folder = root / Key(MRPC, "structured", "together").path
        if damage == "truncated":
            for path in (*root.rglob("arrays.npz"), *root.rglob("table.parquet")):
                path.write_bytes(path.read_bytes()[:4])
        else:
            manifest = folder / "manifest.json"
            manifest.write_text(manifest.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    monkeypatch.setenv("EXPLORER_BUNDLE", str(root))
    test = app()
    assert not test.exception
    assert test.error
    assert "python -m precompute" in texts(test) + test.error[0].value


def test_a_seed_whose_checkpoint_does_not_ship_shows_stored_scores():
    test = lab(task="MRPC", seed="42")
    assert not test.exception
    assert "Seed 1337 can be scored live" in texts(test)
    assert card(test)["title"] == "Accuracy on MRPC dev"
    assert "Stored in this bundle: the full model." in texts(test)


def test_who_leaves_the_first_page_before_it_is_drawn_takes_the_link_along(monkeypatch):
    """The run of the first page is broken off where its selectors are drawn, and the next page's address is bare."""
    from explorer.ui import state

    mask = Mask.full(6, 12).with_head(2, 3, False)
    link = {"task": "RTE", "seed": "42", "mask": mask.code, "card": "3.5", "model": "gone"}
    drawn = state._selectbox

    def broken_off(label, name, *of):
        if name == "seed":
            raise RuntimeError("another page was asked for")
        return drawn(label, name, *of)

    monkeypatch.setattr(state, "_selectbox", broken_off)
    monkeypatch.setenv("EXPLORER_BUNDLE", str(CACHE.root))
    monkeypatch.setenv("TEST_PAGE", "survival")
    test = AppTest.from_function(_page, default_timeout=HANG_SECONDS)
    for name, value in link.items():
        test.query_params[name] = value
    test.run()
    assert test.exception
    monkeypatch.setattr(state, "_selectbox", drawn)
    monkeypatch.setenv("TEST_PAGE", "lab")
    test.query_params.clear()
    test.run()
    assert not test.exception
    assert [test.selectbox(key=f"view.{name}").value for name in ("task", "seed")] == ["RTE", "42"]
    assert address(test, "mask") == mask.code
    assert address(test, "card") == "3.5"
    test.selectbox(key="view.seed").set_value("71").run()
    assert address(test, "seed") == "71"
    assert address(test, "mask") is None
