"""The head grid in Chromium: what is clicked, dragged or typed is the mask that Python ends up with.

Long because the grid is one component with one served app.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from explorer.mask import Mask
from explorer.ui.widgets import scripts
from explorer.ui.widgets.scripts import script
from tests.browser.conftest import unhurried
from tests.waiting import until

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="there is no playwright: pip install playwright")
APP = Path(__file__).with_name("head_grid_app.py")
GRID = Path(scripts.__file__).parent / "head_grid"


class Grid:
    """The app's one grid: its cells, and the mask that Python has."""

    def __init__(self, page, url, query="", shape=(12, 12)):
        self.page = page
        self.full = Mask.full(*shape)
        page.goto(f"{url}/?{query}")
        self.cell(1, 1).wait_for()
        page.evaluate("() => document.fonts.ready.then(() => true)")  # another font is another size

    def button(self, label):
        return self.page.locator(f'button[aria-label^="{label}"]')

    def cell(self, layer, head):
        return self.button(f"Layer {layer}, head {head}:")

    def mlp(self, layer):
        return self.button(f"Layer {layer}, MLP:")

    def focus_label(self):
        return self.page.evaluate(
            "() => { let at = document.activeElement;"
            " while (at?.shadowRoot) at = at.shadowRoot.activeElement;"
            " return at.getAttribute('aria-label') }"
        )

    def drag(self, *stops):
        for i, stop in enumerate(stops):
            box = stop.bounding_box()
            self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            if i == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def expect(self, mask):
        """Waits until Python has that mask; the browser must show it too."""
        sync_api.expect(self.page.get_by_test_id("stText")).to_contain_text(
            f"{mask.code} {mask.heads_kept} {mask.mlps_kept}"
        )
        until(lambda: self.shows(mask))  # Streamlit hands a new mask to the grid after it has drawn the text

    def expect_shown(self, mask):
        """Waits until the browser shows that mask, whatever Python has: for a moment there may be two grids of one."""
        until(lambda: self.shows(mask))

    def shows(self, mask):
        states = self.page.eval_on_selector_all(
            "button.cell", "cells => cells.map(cell => cell.getAttribute('aria-checked') === 'true')"
        )
        return states == np.column_stack([mask.heads, mask.mlps]).ravel().tolist()


@pytest.fixture
def grid(page, serve):
    return Grid(page, serve(APP))


def off(mask, *cells):
    """Without these heads, numbered from 1 as on the screen."""
    for layer, head in cells:
        mask = mask.with_head(layer - 1, head - 1, False)
    return mask


def test_one_click_prunes_one_head_and_a_second_brings_it_back(page, serve, gate):
    grid = Grid(page, serve(APP), f"gate={gate.port}")
    grid.expect(grid.full)
    gate.shut()
    grid.cell(3, 7).click()
    gate.until_reached()  # Python is at work: the browser does not wait for it
    sync_api.expect(grid.cell(3, 7)).to_have_attribute(
        "aria-label", "Layer 3, head 7: pruned. Survives in 0 of 5 seeds <b>"
    )
    gate.open()
    grid.expect(off(grid.full, (3, 7)))
    grid.cell(3, 7).click()
    grid.expect(grid.full)


@pytest.mark.parametrize("query", ["", "&fragment=1"])
def test_ten_clicks_are_all_in_the_mask_while_python_is_busy(page, serve, gate, query):
    gate.shut()
    grid = Grid(page, serve(APP), f"gate={gate.port}{query}")
    cells = [(1, h) for h in range(1, 6)] + [(12, h) for h in range(8, 13)]
    middles = []
    for cell in cells:
        box = grid.cell(*cell).bounding_box()
        middles.append((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    gate.until_reached()
    for x, y in middles[:5]:
        page.mouse.click(x, y)
    gate.let_through()  # what Python makes of the clicks so far comes back among those that follow
    for x, y in middles[5:]:
        page.mouse.click(x, y)
    grid.expect_shown(off(grid.full, *cells))
    gate.open()
    grid.expect(off(grid.full, *cells))


def test_the_code_is_the_one_of_python_for_any_mask_and_shape(page, serve):
    for layers, heads, cells in [
        (12, 12, [(1, 1), (2, 5), (7, 12), (12, 12)]),
        (6, 12, [(6, 12)]),
        (3, 2, [(1, 2)]),
    ]:
        grid = Grid(page, serve(APP), f"layers={layers}&heads={heads}", (layers, heads))
        for cell in cells:
            grid.cell(*cell).click()
        grid.mlp(layers).click()
        grid.expect(off(grid.full, *cells).with_mlp(layers - 1, False))


def test_a_drag_paints_what_it_passes_with_the_first_cells_new_value(grid):
    grid.drag(grid.cell(2, 3), grid.cell(2, 9))
    row = off(grid.full, *[(2, h) for h in range(3, 10)])
    grid.expect(row)
    grid.drag(grid.cell(2, 5), grid.cell(2, 6), grid.cell(9, 6))  # brings back; kept cells stay kept
    grid.expect(row.with_head(1, 4, True).with_head(1, 5, True))
    grid.drag(grid.mlp(3), grid.mlp(5))
    grid.expect(
        row.with_head(1, 4, True).with_head(1, 5, True).with_mlp(2, False).with_mlp(3, False).with_mlp(4, False)
    )


def test_a_click_after_a_drag_still_counts(grid):
    grid.drag(grid.cell(1, 1), grid.cell(1, 2))
    grid.cell(5, 5).click()
    grid.cell(5, 6).press("Enter")
    grid.expect(off(grid.full, (1, 1), (1, 2), (5, 5), (5, 6)))


def test_escape_cancels_a_drag(grid):
    start, end = grid.cell(4, 4).bounding_box(), grid.cell(4, 8).bounding_box()
    grid.page.mouse.move(start["x"] + 9, start["y"] + 9)
    grid.page.mouse.down()
    grid.page.mouse.move(end["x"] + 9, end["y"] + 9)
    sync_api.expect(grid.cell(4, 6)).to_have_attribute("aria-checked", "false")
    grid.page.keyboard.press("Escape")
    grid.page.mouse.up()
    grid.expect(grid.full)


def test_a_layers_header_switches_its_heads_and_its_mlp(grid):
    grid.cell(4, 2).click()
    grid.button("Layer 4, heads and MLP").click()
    grid.expect(grid.full.with_layer(3, False))
    grid.button("Layer 4, heads and MLP").click()
    grid.expect(grid.full)


def test_a_column_the_mlps_and_the_corner(grid):
    grid.button("Head 12 of every layer").click()
    column = off(grid.full, *[(layer, 12) for layer in range(1, 13)])
    grid.expect(column)
    grid.button("All MLPs").click()
    grid.expect(Mask(column.heads, np.zeros(12, bool)))
    grid.button("Everything").click()
    grid.expect(Mask(np.zeros((12, 12), bool), np.zeros(12, bool)))
    grid.button("Everything").click()
    grid.expect(grid.full)


def test_the_keyboard_reaches_and_switches_everything(grid):
    keys = grid.page.keyboard
    grid.cell(1, 1).focus()
    for key in ["ArrowRight", "ArrowDown", "Space"]:  # head 2 of layer 2
        keys.press(key)
    keys.press("End")
    keys.press("Enter")  # MLP of layer 2
    keys.press("Home")
    assert grid.focus_label().startswith("Layer 2, head 1:")
    keys.press("ArrowLeft")
    assert grid.focus_label().startswith("Layer 2, heads and MLP: 11 of 13 kept")
    keys.press("ArrowLeft")  # the edge holds
    assert grid.focus_label().startswith("Layer 2, heads and MLP")
    grid.expect(off(grid.full, (2, 2)).with_mlp(1, False))
    assert grid.page.locator('.board button[tabindex="0"]').count() == 1


def test_escape_goes_back_to_the_mask_at_which_focus_entered(grid):
    grid.cell(1, 1).click()
    grid.expect(off(grid.full, (1, 1)))
    grid.page.get_by_text("Show the grid").focus()
    grid.page.evaluate("document.activeElement?.shadowRoot?.activeElement?.blur()")
    grid.cell(6, 6).click()
    grid.cell(6, 7).click()
    grid.expect(off(grid.full, (1, 1), (6, 6), (6, 7)))
    grid.cell(6, 7).press("Escape")
    grid.expect(off(grid.full, (1, 1)))


def test_undo_and_redo_by_key_and_by_button(grid):
    keys = grid.page.keyboard
    grid.cell(1, 1).click()
    grid.cell(2, 2).click()
    grid.expect(off(grid.full, (1, 1), (2, 2)))
    grid.button("Invert").click()
    keys.press("Control+z")
    keys.press("Control+z")
    grid.expect(off(grid.full, (1, 1)))
    keys.press("Control+y")
    grid.expect(off(grid.full, (1, 1), (2, 2)))
    grid.button("Undo").click()
    grid.button("Undo").click()
    grid.button("Undo").click(force=True)  # nothing is left to undo
    grid.expect(grid.full)
    keys.press("Control+Shift+z")
    grid.expect(off(grid.full, (1, 1)))
    grid.button("All on").click()
    grid.expect(grid.full)


def test_a_mask_set_by_python_is_adopted_and_can_be_undone(grid):
    grid.cell(8, 8).click()
    grid.expect(off(grid.full, (8, 8)))
    grid.page.get_by_role("button", name="Preset").click()
    grid.expect(off(grid.full, (1, 1)))
    grid.cell(2, 2).click()
    grid.expect(off(grid.full, (1, 1), (2, 2)))
    grid.button("Undo").click()
    grid.button("Undo").click()
    grid.expect(off(grid.full, (8, 8)))


def test_clicks_right_after_a_preset_are_not_overwritten_by_its_echo(page, serve, gate):
    grid = Grid(page, serve(APP), f"gate={gate.port}")
    gate.shut(off(grid.full, (1, 1)).code)
    grid.page.get_by_role("button", name="Preset").click()
    sync_api.expect(grid.cell(1, 1)).to_have_attribute("aria-checked", "false")
    gate.until_reached()
    for head in range(2, 6):  # while Python still works on the preset
        grid.cell(1, head).click()
    gate.open()
    grid.expect(off(grid.full, *[(1, h) for h in range(1, 6)]))


def test_a_grid_that_comes_back_shows_the_mask_that_python_has(grid):
    grid.cell(9, 9).click()
    grid.expect(off(grid.full, (9, 9)))
    grid.page.get_by_text("Show the grid").click()
    sync_api.expect(grid.cell(1, 1)).to_have_count(0)
    grid.page.get_by_text("Show the grid").click()
    grid.cell(1, 1).wait_for()
    grid.expect(off(grid.full, (9, 9)))
    grid.cell(9, 10).click()
    grid.expect(off(grid.full, (9, 9), (9, 10)))


def test_a_disabled_grid_can_be_read_but_not_switched(page, serve):
    grid = Grid(page, serve(APP), "disabled=1&fill=1&ring=1")
    grid.cell(3, 3).click(force=True)
    grid.button("Layer 2, heads and MLP").click()
    grid.drag(grid.cell(5, 5), grid.cell(5, 8))
    grid.cell(3, 3).press("Space")
    page.keyboard.press("ArrowRight")
    assert grid.focus_label().startswith("Layer 3, head 4: Survives")
    page.keyboard.press("Control+z")
    sync_api.expect(page.get_by_test_id("stText")).to_contain_text(f"{grid.full.code} ")
    assert not grid.button("Undo").is_visible()
    assert not page.get_by_text("pruned").is_visible()
    page.get_by_role("button", name="Preset").click()  # whatever the grid had sent, Python would hear of before this
    grid.expect(off(grid.full, (1, 1)))
    sync_api.expect(page.get_by_test_id("stText")).to_contain_text("changes=0 told=")


def test_hover_texts_are_text(grid):
    readout = grid.page.locator(".readout")
    sync_api.expect(readout).to_contain_text("Point at a cell")
    place = readout.bounding_box()
    grid.cell(5, 5).hover()
    sync_api.expect(readout).to_have_text("Layer 5, head 5: kept · Survives in 4 of 5 seeds <b>")
    grid.page.mouse.move(1, 1)
    sync_api.expect(readout).to_contain_text("Point at a cell")
    assert readout.bounding_box() == place
    assert (
        place["y"]
        >= grid.page.locator(".board").bounding_box()["y"] + grid.page.locator(".board").bounding_box()["height"]
    )


def test_a_heatmap_has_no_switches_and_a_mask_that_is_shown_has(page, serve):
    grid = Grid(page, serve(APP), "disabled=1&fill=1")
    cell = page.locator("button.cell").first
    sync_api.expect(cell).to_have_attribute("aria-label", "Layer 1, head 1: Survives in 0 of 5 seeds <b>")
    assert (cell.get_attribute("role"), cell.get_attribute("aria-checked")) == (None, None)
    page.get_by_role("button", name="Preset").click()
    sync_api.expect(cell).to_have_attribute("aria-checked", "false")
    assert cell.get_attribute("role") == "switch"
    grid.expect(off(grid.full, (1, 1)))


def test_many_cells_change_one_after_the_other_and_those_that_changed_are_outlined(page, serve):
    grid = Grid(page, serve(APP), "fill=1")
    grid.button("Layer 1, heads and MLP").click()
    grid.button("Undo").click()
    cells = page.locator("button.cell.was")
    sync_api.expect(cells).to_have_count(13)
    order = cells.evaluate_all(
        "cells => cells.map(c => [+c.style.getPropertyValue('--fill'), parseInt(c.style.getPropertyValue('--wait'))])"
    )
    assert [wait for _, wait in sorted(order)] == sorted(wait for _, wait in order)
    assert len({wait for _, wait in order}) == 13
    grid.cell(2, 2).click()
    sync_api.expect(cells).to_have_count(1)
    assert grid.cell(2, 2).evaluate("cell => cell.style.getPropertyValue('--wait')") == "0ms"


def test_on_change_is_called_and_the_newest_mask_is_in_the_session(grid):
    grid.cell(1, 1).click()
    code = off(grid.full, (1, 1)).code
    sync_api.expect(grid.page.get_by_test_id("stText")).to_contain_text(f"changes=1 told={code}")


def test_at_380_pixels_nothing_sticks_out_and_the_short_labels_show(page, serve):
    page.set_viewport_size({"width": 380, "height": 800})
    grid = Grid(page, serve(APP), "fill=1&ring=1")
    box = grid.mlp(1).bounding_box()
    assert box["x"] + box["width"] <= 380
    assert grid.cell(1, 1).bounding_box()["width"] >= 18
    assert grid.button("Layer 3, heads and MLP").inner_text() == "L3"


NO_LONG_PRESS = """() => {
  const later = window.setTimeout;
  window.setTimeout = (act, after, ...of) => (after === 500 ? 0 : later(act, after, ...of));
}"""
"""However long a busy machine takes from the finger's coming to its going, it is a tap."""


def test_a_tap_is_one_click(chromium, serve):
    context = unhurried(chromium, has_touch=True, viewport={"width": 380, "height": 800})
    grid = Grid(context.new_page(), serve(APP))
    grid.page.evaluate(NO_LONG_PRESS)
    grid.cell(2, 2).tap()
    grid.mlp(2).tap()
    grid.expect(off(grid.full, (2, 2)).with_mlp(1, False))
    context.close()


def test_the_colours_follow_the_theme(page, serve):
    page.emulate_media(color_scheme="dark")
    grid = Grid(page, serve(APP), "fill=1")
    sync_api.expect(page.locator(".hg.dark")).to_have_count(1)
    page.emulate_media(color_scheme="light")
    sync_api.expect(page.locator(".hg:not(.dark)")).to_have_count(1)
    grid.expect(grid.full)


@pytest.mark.parametrize("query", ["classes=1", "classes=1&ring=1"])
def test_a_class_is_a_colour_and_a_sign_and_the_legend_names_both(page, serve, query):
    grid = Grid(page, serve(APP), f"layers=3&heads=4&{query}", (3, 4))
    signs = page.eval_on_selector_all(
        "button.cell.head",
        "cells => cells.map(c => [c.style.getPropertyValue('--kind'), c.querySelector('path')"
        ".getAttribute('d')].join())",
    )
    legend = page.eval_on_selector_all(
        ".legend .kind",
        "chips => chips.map(c => [c.style.getPropertyValue('--kind'), c.querySelector('path')"
        ".getAttribute('d')].join())",
    )
    assert len(signs) == 12
    assert set(signs) <= set(legend)
    assert len(set(legend)) == 3
    for name in ("vertical", "diagonal", "block", "no pattern"):
        sync_api.expect(page.locator(".legend")).to_contain_text(name)
    assert grid.mlp(1).locator("svg").count() == 0
    grid.cell(2, 2).locator("svg").click(force=True)  # the sign is no obstacle
    grid.expect(off(grid.full, (2, 2)))


def test_marks_are_drawn_and_said(page, serve):
    grid = Grid(page, serve(APP), "disabled=1&marks=1")
    assert grid.cell(2, 2).get_attribute("aria-label").startswith("Layer 2, head 2: kept. Switched off now. Survives")
    assert "Switched off now" not in grid.cell(2, 3).get_attribute("aria-label")
    assert page.locator(".cell.mark").count() == 13
    sync_api.expect(page.locator(".legend")).to_contain_text("switched off now")


@pytest.mark.parametrize(("width", "height", "side"), [(1280, 720, 34), (1920, 1080, 58)])
def test_on_a_stage_all_of_12_x_12_is_seen_at_once_and_can_be_read(page, serve, width, height, side):
    page.set_viewport_size({"width": width, "height": height})
    grid = Grid(page, serve(APP), "fill=1&large=1")
    last, corner = grid.mlp(12).bounding_box(), grid.cell(1, 1).bounding_box()
    assert last["y"] + last["height"] <= height
    assert corner["width"] >= side
    size = "label => parseFloat(getComputedStyle(label).fontSize)"
    assert grid.button("Layer 3, heads and MLP").evaluate(size) >= 0.4 * side


MOUNTS = """async (text) => {
  const module = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const parent = document.body.appendChild(document.createElement("div"));
  const cell = (layer, head) => parent.querySelector(`[aria-label^="Layer ${layer}, head ${head}:"]`);
  const off = () => [...parent.querySelectorAll(".cell")].map((one) => one.getAttribute("aria-checked") === "false");
  const sent = [];
  const mount = (code, revision) => module.default({
    data: { code, revision, layers: 2, heads: 2, disabled: false, hover: {}, size: "normal", name: "", cards: false },
    parentElement: parent,
    setStateValue: (_, value) => sent.push(value.code),
  });
  Object.assign(window, { cell, off, sent, mount, full: "_A", half: "3A" });
}"""
MOUNTED_TWICE = """() => {
  let unmount = mount(full, "a");
  cell(1, 1).click();
  cell(2, 2).click();
  const [gone, tool] = [cell(1, 2), document.querySelector('[aria-label="Undo"]')];
  unmount();
  unmount = mount(full, "a"); // Python has heard of neither click
  const afresh = off();
  gone.click(); // it has left the page, as under a click that is on its way
  const late = off();
  tool.click();
  document.querySelector('[aria-label="Undo"]').click();
  const undone = off();
  unmount();
  unmount = mount(half, "b");
  const another = off();
  unmount();
  return { afresh, late, undone, another, sent };
}"""


def _mounts(page):
    page.goto("about:blank")
    page.evaluate(MOUNTS, script(GRID / "board.js", GRID / "head_grid.js"))


def test_a_grid_mounted_afresh_keeps_the_clicks_that_python_has_not_heard_of(page):
    _mounts(page)
    told = page.evaluate(MOUNTED_TWICE)
    assert told["afresh"] == [True, False, False, False, True, False]  # two heads and the MLP of each layer
    assert told["late"] == [True, True, False, False, True, False]
    assert told["undone"] == [True, False, False, False, False, False]
    masks = [Mask.full(2, 2).with_head(0, 0, False)]
    masks.append(masks[0].with_head(1, 1, False))
    masks.append(masks[1].with_head(0, 1, False))
    again = masks[1]  # said anew by the grid that comes: what the other said may have been lost with its page
    assert told["sent"] == [mask.code for mask in (*masks[:2], again, masks[2], masks[1], masks[0])]
    assert Mask.full(2, 2).with_head(1, 0, False).code == "3A"
    assert told["another"] == [False, False, False, True, False, False]


def test_a_press_that_ends_on_a_grid_mounted_afresh_is_one_click(page):
    _mounts(page)
    page.evaluate("() => { window.unmount = mount(full, 'a'); }")
    page.get_by_label(re.compile("^Layer 2, head 1:")).hover()
    page.mouse.down()
    page.evaluate("() => { unmount(); mount(full, 'a'); }")
    page.mouse.up()
    assert page.evaluate("off()") == [False, False, False, True, False, False]
    assert set(page.evaluate("sent")) == {Mask.full(2, 2).with_head(1, 0, False).code}  # maybe said anew
