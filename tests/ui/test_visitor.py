"""Whether a visitor may name folders of this machine: by what his request says of where it came from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from explorer.ui import visitor
from explorer.ui.visitor import from_elsewhere


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost:8501"},
        {"Host": "localhost"},
        {"HOST": "LocalHost:8501", "Origin": "http://localhost:8501"},
        {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"},
        {"Host": "[::1]:8501", "Origin": "http://[::1]:8501", "Referer": "http://[::1]:8501/lab?mask=x"},
    ],
)
def test_this_machine_by_its_own_name_is_here(headers):
    assert not from_elsewhere(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8501"},
        {"Host": "localhost.evil.example"},
        {"Host": "evil.example@localhost"},
        {"Host": "localhost:80@evil.example"},
        {"Host": "127.0.0.1.nip.io"},
        {"Host": "0.0.0.0:8501"},
        {"Host": ""},
        {"Host": "localhost:port"},
        {"Host": "[::1"},
        {"Host": "localhost:8501", "Origin": "http://evil.example"},
        {"Host": "localhost:8501", "Origin": "null"},
        {"Host": "localhost:8501", "Referer": "https://evil.example/localhost"},
        {"Host": "localhost:8501", "X-Forwarded-For": "203.0.113.9"},
        {"Host": "localhost:8501", "x-forwarded-host": "localhost"},
        {"Host": "localhost:8501", "Forwarded": "for=203.0.113.9"},
        {"Host": "localhost:8501", "Via": "1.1 tunnel"},
        {"Host": "localhost:8501", "CF-Connecting-IP": "203.0.113.9"},
        {"Host": "localhost:8501", "Tailscale-User-Login": "somebody"},
    ],
)
def test_another_name_a_proxy_or_a_tunnel_is_elsewhere(headers):
    assert from_elsewhere(headers)


def test_an_app_on_localhost_asks_each_request(monkeypatch):
    context = SimpleNamespace(headers={"Host": "localhost:8501"})
    monkeypatch.delenv("EXPLORER_HOSTED", raising=False)
    monkeypatch.setattr(visitor.st, "get_option", {"server.address": "localhost"}.get)
    monkeypatch.setattr(visitor.st, "context", context)
    assert visitor.served_on_localhost()
    context.headers = {"Host": "evil.example:8501", "Origin": "http://evil.example:8501"}
    assert not visitor.served_on_localhost(), "DNS rebinding"
    monkeypatch.setattr(visitor.st, "get_option", {"server.address": "0.0.0.0"}.get)
    context.headers = {"Host": "localhost:8501"}
    assert not visitor.served_on_localhost()


@pytest.mark.parametrize(
    ("options", "hosted"),
    [({"server.baseUrlPath": "/lottery/"}, ""), ({"server.baseUrlPath": ""}, "1")],
    ids=["a base path", "EXPLORER_HOSTED"],
)
def test_nobody_is_here_where_a_proxy_is_in_front(options, hosted, monkeypatch):
    """A proxy that passes nothing on asks as this machine's user does: its headers do not tell."""
    monkeypatch.setenv("EXPLORER_HOSTED", hosted)
    monkeypatch.setattr(visitor.st, "get_option", ({"server.address": "localhost"} | options).get)
    monkeypatch.setattr(visitor.st, "context", SimpleNamespace(headers={"Host": "127.0.0.1:8501"}))
    assert not visitor.served_on_localhost()


@pytest.mark.parametrize(
    ("sentence", "read_elsewhere"),
    [
        ("There is no bundle at /srv/people/anna/runs.", "There is no bundle at runs."),
        ("/home/anna/.cache/ledger.sqlite cannot be written.", "ledger.sqlite cannot be written."),
        ("Make it: `run --bundle '/srv/a b/runs'`.", "Make it: `run --bundle 'a b/runs'`."),
        ("From https://huggingface.co/a/b and/or MRPC/seed_1.", "From https://huggingface.co/a/b and/or MRPC/seed_1."),
        ("1/2 of 3 / 4", "1/2 of 3 / 4"),
    ],
)
def test_only_who_sits_here_reads_folders(monkeypatch, sentence, read_elsewhere):
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: True)
    assert visitor.without_folders(sentence) == sentence
    monkeypatch.setattr(visitor, "served_on_localhost", lambda: False)
    assert visitor.without_folders(sentence) == read_elsewhere
