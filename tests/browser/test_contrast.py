"""Every page read by axe-core in either theme and on a phone, and the words in figures, which axe does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, SIZES, unhurried

pytestmark = [pytest.mark.browser, pytest.mark.long]
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

AXE = ROOT / ".axe" / "node_modules" / "axe-core" / "axe.min.js"
WORDS_IN_FIGURES = Path(__file__).with_name("words_in_figures.js")
PAGES = (
    "",
    "survival",
    "survival?view=each",
    "survival?view=tasks",
    "survival?view=paths",
    "survival?view=paper",
    "tickets",
    "lab",
    "replay",
    "patterns",
    "runs",
    "runs?view=check",
    "stage",
    "game",
    "league",
)
WITH_FIGURES = ("tickets", "survival?view=each", "survival?view=paths", "replay")
"""Those whose figures have words on the page's own ground."""
LAPTOP, DESKTOP, PHONE = ({"width": width, "height": height} for width, height in SIZES.values())
SMALL = """all => all.map((one) => [one.getAttribute('aria-label') ?? one.textContent, one.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < 24)
  .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)"""
"""What is too small for a finger."""
RUN = """() => axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"],
}).then(({ passes, violations }) => ({
  passes: passes.length,
  violations: violations.map(({ id, impact, nodes }) => ({
    id,
    impact,
    nodes: nodes.map(({ html, any }) => `${html.slice(0, 160)} ${any.map(({ message }) => message)}`),
  })),
}))"""
"""Tells only what is looked at: all that axe finds in a thousand cells takes longer to tell than to find."""


@pytest.mark.parametrize("address", PAGES)
def test_words_in_figures_have_contrast_and_axe_finds_nothing_serious(chromium, home, address):
    """At three sizes; a phone's is the same page made narrow, where everything to press is 24 px or more."""
    context = unhurried(chromium, viewport=LAPTOP, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{home}/{address}")
    found = {"light": faults(page, address)}
    page.set_viewport_size(PHONE)
    context.new_cdp_session(page).send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    found["phone"] = faults(page, address)
    found["for a finger"] = page.locator("[data-testid=stMain] :is(button, summary):visible").evaluate_all(SMALL)
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="dark")
    page.reload()  # a theme that changes under way has other colours than the one that a page was opened in
    found["dark"] = faults(page, address)
    page.set_viewport_size(PHONE)
    found["dark phone"] = faults(page, address)
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
    context.close()
    assert not any(found.values()), found
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")


def faults(page, address):
    """What is hard to read or to use on a page, once Streamlit has nothing more to draw; without axe, words alone."""
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_text("Glossary").first).to_be_visible()  # the last thing in a page
    expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    if address in WITH_FIGURES:
        expect(page.locator("svg text").first).to_be_attached()
    if AXE.exists():
        page.evaluate(AXE.read_text(encoding="utf-8"))
    before, found = None, seen(page, address)
    while found and found != before:  # what is still moving, as a sidebar that closes, looks otherwise a moment later
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        before, found = found, seen(page, address)
    return found


def seen(page, address):
    """What is hard to read or to use at this moment."""
    found = []
    if address in WITH_FIGURES:
        found += page.evaluate(WORDS_IN_FIGURES.read_text(encoding="utf-8"))
    if AXE.exists():
        told = page.evaluate(RUN)
        assert told["passes"], "axe read nothing"
        serious = [rule for rule in told["violations"] if rule["impact"] in ("serious", "critical")]
        found += [f"{rule['id']}: {node}" for rule in serious for node in rule["nodes"]]
    return found


def test_axe_is_the_judge_it_is_taken_for(page):
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")
    page.set_content("<html lang=en><title>x</title><main><p style='color:#999;background:#fff'>too faint</p></main>")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert [rule["id"] for rule in page.evaluate(RUN)["violations"]] == ["color-contrast"]
