"""The app from its wheel, behind nginx as docs/HOSTING.md configures it: base path, websocket, nothing written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, _free_port, _wait
from tests.waiting import HANG_SECONDS

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
BASE = "lottery"
_AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What a wheel brings, unpacked."""
    pytest.importorskip("hatchling", reason="there is no hatchling: pip install -r requirements-dev.txt")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_brings_what_is_not_code_and_no_bundle(installed):
    listed = subprocess.run(
        ["git", "ls-files", "explorer", "precompute"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [Path(name) for name in listed.stdout.split()]
    assert {".js", ".css", ".png", ".toml", ".npz", ".safetensors", ".csv", ".json", ".md"} <= {f.suffix for f in files}
    assert [str(name) for name in files if not (installed / name).is_file()] == []
    served = {path.name for path in (installed / "explorer" / "served").iterdir()}
    assert served == {"app.py", "serve.py", ".streamlit"}
    assert not (installed / "cache").exists()
    (told,) = installed.glob("*.dist-info/METADATA")
    needs = re.findall(r"^Requires-Dist: ([^;\n]+)$", told.read_text(encoding="utf-8"), re.MULTILINE)
    pinned = re.findall(r"^([A-Za-z0-9-]+==\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(needs) == sorted(set(pinned))


def test_without_a_bundle_the_installed_package_says_where_to_get_one(installed, tmp_path):
    code = "import explorer\ntry: explorer.runs()\nexcept explorer.ExplorerError as error: print(error)"
    env = {**os.environ, "PYTHONPATH": str(installed), "EXPLORER_BUNDLE": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert f"There is no bundle at {tmp_path / 'cache'}. The installed package brings none" in done.stdout, done.stderr
    assert "EXPLORER_BUNDLE" in done.stdout


@pytest.fixture(scope="module")
def behind_nginx(installed, tmp_path_factory):
    """The app with a home that takes no files, and nginx in front of it; gives the address that nginx has."""
    if NGINX is None:
        pytest.skip("there is no nginx: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    port, front = _free_port(), _free_port()
    page = (ROOT / "docs" / "HOSTING.md").read_text(encoding="utf-8")
    location = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)[1]
    assert "127.0.0.1:8501" in location
    configuration = _AROUND.format(
        user="user root;" if os.geteuid() == 0 else "",
        folder=folder,
        port=front,
        location=location.replace("8501", str(port)),
    )
    (folder / "nginx.conf").write_text(configuration, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name not in ("GLUE_DIR", "EXPLORER_LEDGER")}
    # Nobody can make a folder in /proc, root neither: as a user's home on a read-only system.
    env |= {"PYTHONPATH": str(installed), "EXPLORER_BUNDLE": str(ROOT / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"HOME": "/proc", "XDG_CACHE_HOME": ""}
    app = [sys.executable, "-m", "precompute", "app", "--base", f"/{BASE}", "--port", str(port)]
    processes = []
    with (folder / "log.txt").open("wb") as log:
        for command in ([*app], [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]):
            processes.append(subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log))
        try:
            _wait(processes[0], f"http://127.0.0.1:{port}/{BASE}", folder / "log.txt")
            _wait(processes[1], f"http://127.0.0.1:{front}/{BASE}", folder / "log.txt")
            yield f"http://127.0.0.1:{front}/{BASE}"
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=HANG_SECONDS)


def files_in(*folders):
    """Every file with its size and the time of its last change."""
    found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.browser
def test_through_a_proxy_everything_works_and_nobody_names_folders(behind_nginx, installed, page, context_of):
    """The proxy is on this machine and is asked by the name 127.0.0.1: its visitor is none of this machine's all the
    same."""
    from playwright.sync_api import expect

    before = files_in(installed, ROOT / "cache")
    page.goto(f"{behind_nginx}/?task=SST-2")
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.filter(has_text="Lab")).to_have_attribute("href", re.compile(rf"/{BASE}/lab"))
    links.filter(has_text="Lab").click()
    page.get_by_text("Meanwhile scores are remembered for as long as this app runs").wait_for()
    page.get_by_label(re.compile("^Layer 1, head 1:")).first.click()
    page.wait_for_url(re.compile("mask="))
    expect(page.locator(".card .fold")).to_contain_text("Scored ")
    other = context_of()
    other.goto(f"{behind_nginx}/runs?task=MRPC&view=paper")  # an address that somebody was sent
    expect(other.get_by_text("open only to an app that is served on localhost")).to_be_visible()
    expect(other.get_by_text("Folder of the clone")).to_have_count(0)
    assert files_in(installed, ROOT / "cache") == before, "program and bundle are only read"
