"""A file that a button on the screen hands out is there, however often the page began to be drawn anew."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
APP = Path(__file__).with_name("download_app.py")


def test_a_file_is_there_while_run_after_run_is_stopped_before_it(page, serve, gate):
    page.goto(f"{serve(APP)}/?gate={gate.port}")
    file, again = (page.get_by_role("button", name=name) for name in ("File", "Again"))
    file.wait_for()
    gate.shut()
    again.click()
    gate.until_reached()
    with page.expect_download() as got:
        file.click()
    assert Path(got.value.path()).read_bytes() == b"what it holds"
    gate.open()
