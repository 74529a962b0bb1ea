"""The overview's hero, badges and glossary in a real browser, at the three sizes that people have."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from explorer.store.bundle import Bundle
from explorer.store.task_tickets import task_tickets
from tests.browser.conftest import ROOT, SIZES, UNHURRIED, unhurried
from tests.waiting import until

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

WHERE = "node => { const box = node.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; }"


def is_told(url):
    """Whether a request may tell something: Streamlit's own files come when they are wanted."""
    return url.startswith("http") and "/static/" not in url


@pytest.fixture(params=SIZES)
def overview(request, chromium, home):
    """The overview at one of the sizes, opened by somebody who wants nothing to move by itself."""
    width, height = SIZES[request.param]
    context = unhurried(chromium, viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.sent = []
    page.on("request", lambda request: page.sent.append(request.url) if is_told(request.url) else None)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append(frame)))
    page.goto(home)
    expect(page.locator(".hero .sentence")).to_contain_text("heads")
    yield page
    context.close()
    assert not errors, errors


def test_the_slider_walks_grid_score_and_sentence_with_no_server(overview):
    page = overview
    expect(page.locator(".hero .sentence")).to_have_text(
        re.compile(r"^\d+ of 72 heads and \d of 6 MLPs off, still \d+% of the full score\.$")
    )
    expect(page.get_by_text("Glossary").first).to_be_visible()
    expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
    sent = page.sent

    def quiet():
        before = len(sent)
        page.evaluate("() => new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))")
        return len(sent) == before

    page.wait_for_load_state("networkidle")  # the whole page is there: nothing is sent any more
    until(quiet)
    sent.clear()
    slider = page.get_by_role("slider", name="Switch off the least important heads and MLPs")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".hero .sentence")).to_have_text("Everything is on: this is the full model.")
    expect(page.locator('.hero .cell[aria-checked="false"]')).to_have_count(0)
    full = float(page.locator(".hero .number").inner_text())
    grid = page.locator(".hero .board").evaluate(WHERE)
    while "90% line" not in page.locator(".hero .sentence").inner_text():
        off = page.locator('.hero .cell[aria-checked="false"]').count()
        slider.press("ArrowRight")
        expect(page.locator('.hero .cell[aria-checked="false"]')).not_to_have_count(off)
        assert page.locator(".hero .board").evaluate(WHERE) == pytest.approx(grid, abs=0.5)  # nothing jumps
    expect(page.locator(".hero .chip-line")).to_have_text("below the 90% line")
    assert float(page.locator(".hero .number").inner_text()) < 0.9 * full
    slider.press("End")
    expect(page.locator('.hero .cell[aria-checked="true"]')).to_have_count(0)
    expect(page.locator(".hero .number")).to_contain_text("≤")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Everything off: every example gets the same answer"))
    assert sent == []


def test_the_hero_is_seen_at_once_and_nothing_overflows(overview):
    page = overview
    height = page.viewport_size["height"]
    page.evaluate("() => document.fonts.ready.then(() => true)")
    for part in (".hero .number", ".hero .sentence", ".hero .board", ".hero input"):
        left, top, width, tall = page.locator(part).evaluate(WHERE)
        assert left >= 0
        assert left + width <= page.viewport_size["width"]
        assert top + tall <= height, part
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_another_seed_is_a_click_in_the_browser(overview):
    page = overview
    first = page.locator(".hero .sentence").inner_text()
    page.get_by_role("radio", name="Seed 42").click()
    expect(page.get_by_role("radio", name="Seed 42")).to_have_attribute("aria-checked", "true")
    expect(page.locator(".hero .sentence")).not_to_have_text(first)


def test_a_badge_and_a_term_say_their_sentence_on_hover_and_on_focus(overview):
    page = overview
    badge = page.locator(".verdict").first
    badge.focus()
    expect(badge.get_by_role("tooltip")).to_be_visible()
    expect(badge.get_by_role("tooltip")).to_contain_text("Supported: the ticket keeps 90%")
    expect(badge.get_by_role("tooltip")).to_contain_text(re.compile(r"Here: \d+% \(95% interval"))
    term = page.locator(".term", has_text=re.compile("^ticket")).first
    term.hover()
    expect(term.get_by_role("tooltip")).to_be_visible()
    left, top, width, tall = term.get_by_role("tooltip").evaluate(WHERE)
    assert left >= 0
    assert left + width <= page.viewport_size["width"]
    assert top >= 0
    assert top + tall <= page.viewport_size["height"]


def test_a_claim_opens_to_its_card(overview):
    page = overview
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    page.get_by_text("Tickets of the same size, made of the rest").click()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)

    def fits():
        left, _, width, _ = page.locator(".js-plotly-plot").evaluate(WHERE)
        return width > 250 and left + width <= page.viewport_size["width"]

    until(fits)  # Streamlit gives a figure the width of its place once it is drawn


def test_the_hero_leads_to_the_lab_and_the_tour_to_the_stage(overview):
    page = overview
    page.get_by_role("button", name="Start the tour").click()
    expect(page.locator(".deck .count")).to_have_text(re.compile("^1 of "))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_the_mask_on_screen_opens_in_the_lab(page, home):
    page.goto(home)
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")  # whatever moves by itself has stopped
    page.keyboard.press("ArrowRight")
    expect(page.locator(".hero .sentence")).to_contain_text("7 of 72 heads and 1 of 6 MLPs off")
    page.get_by_role("button", name="Try this mask in the lab").click()
    page.wait_for_url(re.compile(r"/lab\?.*mask="))
    expect(page.locator('.hg .cell[aria-checked="false"]')).to_have_count(8)


def test_titles_say_what_the_task_asks(page, home):
    page.goto(home)
    expect(page.get_by_role("heading", name="MRPC: do these two sentences say the same?")).to_be_visible()
    page.wait_for_function("document.title.includes('MRPC: do these two sentences say the same?')")
    page.get_by_role("link", name="Tickets", exact=True).click()
    page.wait_for_function("document.title.startsWith('Tickets · MRPC')")


@pytest.mark.parametrize("size", SIZES)
def test_survival_shows_one_seed_or_all_and_its_legend_at_once(chromium, home, size):
    width, height = SIZES[size]
    context = unhurried(chromium, viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(f"{home}/survival")
    legend = page.locator(".hg .legend")
    expect(legend).to_contain_text("Survives, of 5 seeds")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    if size != "phone":
        _, top, _, tall = legend.evaluate(WHERE)
        assert top + tall <= height
    expect(page.locator('.hg .cell[aria-checked="false"]')).to_have_count(0)
    page.get_by_role("radio", name="42", exact=True).click()
    ticket = task_tickets(Bundle(ROOT / "cache"), "minilm-l6", "MRPC")[42]
    pruned = 6 * 12 + 6 - ticket.heads_kept - ticket.mlps_kept
    expect(page.locator('.hg .cell[aria-checked="false"]')).to_have_count(pruned)
    page.wait_for_url(re.compile("of=42"))
    context.close()


def test_survival_of_one_seed_draws_kept_or_pruned_and_no_scale(context_of, serve, tmp_path):
    run = Path("minilm-l6") / "RTE" / "seed_1337"
    shutil.copytree(ROOT / "cache" / run, tmp_path / run)
    url = serve(UNHURRIED, {"GLUE_DIR": "", "EXPLORER_LEDGER": ":memory:", "EXPLORER_BUNDLE": str(tmp_path)})
    page = context_of()  # not the fixture: Streamlit's probes are errors on the console of every page but /
    page.goto(f"{url}/survival")
    expect(page.locator(".hg .legend")).to_have_text(re.compile("^kept"))


def test_a_card_of_since_then_leads_to_the_place_where_it_is_checked(overview):
    page = overview
    for question, path, heading in (
        ("Does a ticket win on another task?", "tickets", "Does a ticket win on another task?"),
        ("Do heads and MLPs add up?", "league", "What random masks say"),
        ("Does the same ticket come out again?", "tickets", "How stable is the ticket?"),
    ):
        card = page.locator("[class*=st-key-since-card-]", has_text=question)
        card.get_by_role("link").click()
        page.wait_for_url(f"**/{path}**")
        found = page.get_by_role("heading", name=heading)
        expect(found).to_be_visible()
        expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
        expect(found).to_be_in_viewport()
        assert "at=" not in page.url, "who copies the address copies that of the page"
        page.get_by_role("link", name="Overview", exact=True).click() if page.viewport_size[
            "width"
        ] > 640 else page.go_back()
        expect(page.locator(".hero .sentence")).to_contain_text("heads")


def test_a_section_is_where_the_page_stands_however_late_that_grows_until_the_person_takes_over(context_of, home):
    page = context_of()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.clock.install()
    page.goto(f"{home}/tickets?task=MRPC&at=transfer")
    found = page.get_by_role("heading", name="Does a ticket win on another task?")
    expect(found).to_be_in_viewport()
    expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
    page.clock.fast_forward("01:00:00")
    page.add_style_tag(content="* { overflow-anchor: none !important; }")  # as Safari, which anchors nothing

    def grow(by):
        page.evaluate(f"() => document.querySelector('.st-key-section-stability').style.marginTop = '{by}px'")
        page.evaluate("() => new Promise(done => setTimeout(done))")

    grow(3000)
    expect(found).to_be_in_viewport()
    assert found.bounding_box()["y"] < 100
    page.mouse.move(900, 400)
    page.mouse.wheel(0, -100_000)
    expect(found).not_to_be_in_viewport()
    grow(5000)
    grow(7000)
    expect(found).not_to_be_in_viewport()
