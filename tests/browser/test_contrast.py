"""Every page read by axe-core in either theme and on a phone, and the words in figures, which axe does not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, unhurried

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
)
WITH_FIGURES = ("tickets", "survival?view=each", "survival?view=paths", "replay")
"""Those whose figures have words on the page's own ground."""
WIDE, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
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


@pytest.fixture(scope="module", params=PAGES)
def shown(request, chromium, home):
    """A page and its address, loaded once for light and phone; nothing in it moves by itself."""
    context = unhurried(chromium, viewport=WIDE, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{home}/{request.param}")
    yield page, request.param
    context.close()


@pytest.fixture(scope="module", params=["light", "phone", "dark"])
def settled(request, shown):
    """The page in one of the looks, once Streamlit has nothing more to draw."""
    page, address = shown
    phone, theme = request.param == "phone", "dark" if request.param == "dark" else "light"
    page.set_viewport_size(PHONE if phone else WIDE)
    page.context.new_cdp_session(page).send("Emulation.setTouchEmulationEnabled", {"enabled": phone})
    page.emulate_media(color_scheme=theme)
    if theme == "dark":
        page.reload()  # what Python draws, and Streamlit's colours from the settings, are of the theme at the start
    until_drawn(page)
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", theme)
    return page, address


def until_drawn(page):
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.get_by_text("Glossary").first).to_be_visible()  # the last thing in a page
    expect(page.locator('[data-testid=stApp][data-test-script-state="notRunning"]')).to_be_attached()
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def test_words_in_figures_have_contrast_and_axe_finds_nothing_serious(settled):
    page, address = settled
    if address in WITH_FIGURES:
        expect(page.locator("svg text").first).to_be_attached()
        assert page.evaluate(WORDS_IN_FIGURES.read_text(encoding="utf-8")) == []
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN)
    assert found["passes"], "axe read nothing"
    serious = [
        f"{rule['id']}: {node}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert not serious, "\n".join(serious)


def test_axe_is_the_judge_it_is_taken_for(page):
    if not AXE.exists():
        pytest.skip("there is no axe-core: make axe (it takes npm)")
    page.set_content("<html lang=en><title>x</title><main><p style='color:#999;background:#fff'>too faint</p></main>")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert [rule["id"] for rule in page.evaluate(RUN)["violations"]] == ["color-contrast"]
