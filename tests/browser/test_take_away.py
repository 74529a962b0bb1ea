"""What only a browser shows: the copied link, the same screen elsewhere, what differs there, and real downloads."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from explorer.mask import Mask
from explorer.store.bundle import Bundle
from explorer.store.mask_files import npy_files, read_mask
from explorer.store.schema import Key, Run

pytestmark = pytest.mark.browser
pytest.importorskip("playwright")
from playwright.sync_api import expect  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CACHE = Bundle(ROOT / "cache")
RUN = Run("minilm-l6", "MRPC", 1337)
L, H = 6, 12


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, serve):
    """The address of an app whose bundle holds the same run, made with another checkpoint."""
    root = tmp_path_factory.mktemp("bundles") / "cache"
    for stage in ("finetune", "structured.together"):
        shutil.copytree(CACHE.root / RUN.path / stage, root / RUN.path / stage)
    for manifest in root.rglob("manifest.json"):
        raw = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({**raw, "checkpoint_sha256": "0" * 64}))
    return serve(ROOT / "app.py", {"EXPLORER_BUNDLE": str(root), "GLUE_DIR": "", "EXPLORER_LEDGER": ":memory:"})


def replay(page, home):
    page.goto(home)
    page.get_by_role("link", name="Replay", exact=True).click()
    expect(page.get_by_role("heading", name="MRPC: do these two sentences say the same?")).to_be_visible()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**step=1**")


def test_the_copied_link_opens_the_same_screen_and_says_where_it_differs(page, home, elsewhere, context_of):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    replay(page, home)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="QR code of this link")).to_be_visible()
    dialog.get_by_role("button", name="Copy link").click()
    expect(dialog.get_by_text("Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    said = parse_qs(urlsplit(link).query)
    assert (said["task"], said["seed"], said["step"]) == (["MRPC"], ["1337"], ["1"])

    same = context_of()
    same.goto(link)
    expect(same.get_by_text("Step 1 of")).to_be_visible()
    expect(same.get_by_text("This link was made with")).not_to_be_visible()

    there = urlsplit(link)
    other = context_of()
    other.goto(f"{elsewhere}{there.path}?{there.query}")
    expect(other.get_by_text("Step 1 of")).to_be_visible()
    expect(other.get_by_text("another checkpoint of MRPC, seed 1337")).to_be_visible()


def test_without_the_clipboard_the_link_is_still_copied(page, home):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    replay(page, home)
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied")).to_be_visible()


def test_mask_data_and_page_are_downloaded(page, home, context_of, tmp_path):
    replay(page, home)
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog")

    def saved(name):
        with page.expect_download() as event:
            dialog.get_by_role("button", name=name).click()
        path = tmp_path / event.value.suggested_filename
        event.value.save_as(path)
        return path

    steps = CACHE.read(Key(RUN, "structured", "together")).table
    mask = Mask.from_code(str(steps["mask"][1]), L, H)
    archive, text = saved("as the authors'"), saved("JSON")
    assert read_mask({"mask.zip": archive.read_bytes()}, L, H) == mask
    assert read_mask({"mask.json": text.read_bytes()}, L, H) == mask
    with zipfile.ZipFile(archive) as zipped:
        assert "masks/heads_mlps/MRPC/seed_1337/head_mask.npy" in zipped.namelist()
    assert json.loads(text.read_text())["seed"] == 1337

    html = saved("One offline HTML file")
    offline = context_of()
    asked: list[str] = []
    offline.on("request", lambda request: asked.append(request.url))
    offline.goto(html.as_uri())
    expect(offline.locator(".main-svg").first).to_be_visible()
    expect(offline.get_by_role("heading", name="Step 1 of pruning")).to_be_visible()
    assert asked == [html.as_uri()]

    dialog.get_by_role("radio", name="CSV").or_(dialog.get_by_role("button", name="CSV", exact=True)).first.click()
    with zipfile.ZipFile(saved("zip of CSV")) as zipped:
        names = zipped.namelist()
        assert "captions.txt" in names
        (grid,) = (name for name in names if "step-1-of-pruning" in name)
        assert zipped.read(grid).decode().startswith("# Step 1 of pruning\n")


def test_a_figure_is_drawn_for_a_paper(page, home, tmp_path):
    replay(page, home)
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Draw").click()
    with page.expect_download() as event:
        dialog.get_by_role("button", name="Download zip").click()
    event.value.save_as(tmp_path / "figures.zip")
    with zipfile.ZipFile(tmp_path / "figures.zip") as zipped:
        drawn = [name for name in zipped.namelist() if name.endswith(".svg")]
        assert drawn
        assert all(b"<desc>" in zipped.read(name) for name in drawn)


def test_a_mask_is_loaded_from_files(page, home):
    page.goto(home)
    page.get_by_role("link", name="Lab", exact=True).click()
    page.get_by_role("button", name="Load a mask").click()
    mask = Mask(np.eye(L, H), np.ones(L))
    files = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in npy_files(mask).items()
    ]
    page.locator("input[type=file]").set_input_files(files)
    page.wait_for_url(f"**mask={mask.code}**")
    page.locator("input[type=file]").set_input_files([{"name": "x.json", "mimeType": "text/plain", "buffer": b"[]"}])
    expect(page.get_by_text("neither")).to_be_visible()
