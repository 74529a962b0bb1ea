"""A little Hub on this machine: what `datasets` and `huggingface_hub` ask of the real one, and how it can fail them.

It holds the data set `nyu-mll/glue` with a few sentences of this project's own, and models that a test puts in.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from explorer.glue.sources import HUB_DATASET
from tests.waiting import HANG_SECONDS

PATIENT = {"HF_HUB_ETAG_TIMEOUT": str(int(HANG_SECONDS)), "HF_HUB_DOWNLOAD_TIMEOUT": str(int(HANG_SECONDS))}
"""Environment of whoever asks this Hub: however busy the machine is, it is waited for."""
COMMIT = "c0ffee" + "0" * 34
DATASET = f"datasets/{HUB_DATASET}"
SENTENCES = (("The river is wide.", "The river is broad.", 1), ("The owl sleeps.", "The plumber sings.", 0))
"""Of MRPC's dev set here, over and over."""


def glue_files(rows):
    """The files of a Hub that has MRPC alone, with so many rows in its dev split."""
    splits = {"train": 4, "validation": rows, "test": 2}
    data_files = "".join(f"  - split: {name}\n    path: mrpc/{name}-*\n" for name in splits)
    card = f"---\nconfigs:\n- config_name: mrpc\n  data_files:\n{data_files}---\n# A little GLUE\n"
    files = {f"mrpc/{name}-00000-of-00001.parquet": _parquet(many) for name, many in splits.items()}
    return {"README.md": card.encode(), **files}


def _parquet(rows):
    told = [SENTENCES[i % len(SENTENCES)] for i in range(rows)]
    columns = dict(zip(("sentence1", "sentence2", "label"), map(list, zip(*told, strict=True)), strict=True))
    out = io.BytesIO()
    pq.write_table(pa.table({**columns, "idx": list(range(rows))}), out)
    return out.getvalue()


def table_files(configurations, classes):
    """The files of a data set of one's own: configuration -> split -> rows of (text, number of the class)."""
    card, files = "---\nconfigs:\n", {}
    for name, splits in configurations.items():
        card += f"- config_name: {name}\n  data_files:\n"
        for split, rows in splits.items():
            card += f"  - split: {split}\n    path: {name}/{split}-*\n"
            files[f"{name}/{split}-00000-of-00001.parquet"] = _with_classes(rows, classes)
    return {"README.md": f"{card}---\n# Some sentences\n".encode(), **files}


def _with_classes(rows, classes):
    """Parquet whose metadata name the classes, as `datasets` writes them."""
    texts, labels = zip(*rows, strict=True)
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": list(classes), "_type": "ClassLabel"}}
    table = pa.table({"text": list(texts), "label": pa.array(labels, pa.int64())})
    told = json.dumps({"info": {"features": features}})
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": told}), out)
    return out.getvalue()


class LittleHub:
    """Serves repositories until it is closed. `fails`: a status for every answer, or "cut": half of each data file.

    asked: what was asked for. gate: data files wait until it is open; at_gate: set once one of them waits.
    """

    def __init__(self, port=0, rows=408):
        self.repositories: dict[str, Mapping[str, bytes]] = {DATASET: glue_files(rows)}
        self.fails: int | str = 0
        self.asked: list[str] = []
        self.gate, self.at_gate = threading.Event(), threading.Event()
        self.gate.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        """Ends it: from then on the address refuses."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: LittleHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words):
        pass

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def do_POST(self):
        self._answer(body=True)

    def _answer(self, *, body):
        path = unquote(urlsplit(self.path).path).strip("/")
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.asked.append(f"{self.command} /{path}")
        if isinstance(self.hub.fails, int) and self.hub.fails:
            missing = {"X-Error-Code": "RepoNotFound"} if self.hub.fails == 404 else {"Retry-After": "0"}
            return self._send(self.hub.fails, b'{"error": "as the test wants it"}', missing, body=body)
        if path.startswith("api/"):
            return self._api(path.removeprefix("api/"), asked.decode(), body=body)
        repository, _, rest = path.partition("/resolve/")
        return self._file(repository, rest.partition("/")[2], body=body)

    def _api(self, path, asked, *, body):
        repository, _, rest = path.partition("/tree/")
        repository = repository.partition("/paths-info/")[0].partition("/revision/")[0].removeprefix("models/")
        files = self.hub.repositories.get(repository)
        if files is None:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body=body)
        folders = {name.rpartition("/")[0] for name in files} - {""}
        entries = [
            {"type": "file", "path": name, "size": len(data), "oid": _tag(data)} for name, data in files.items()
        ] + [{"type": "directory", "path": name, "size": 0, "oid": "0" * 40} for name in folders]
        if "/paths-info/" in path:
            wanted = json.loads(asked)["paths"]
            found: object = [entry for entry in entries if entry["path"] in wanted]
        elif rest:
            folder = rest.partition("/")[2]
            found = [entry for entry in entries if not folder or str(entry["path"]).startswith(folder + "/")]
            if not found:
                return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, body=body)
        else:
            name = repository.removeprefix("datasets/")
            found = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files], "tags": []}
        return self._send(200, json.dumps(found).encode(), {"Content-Type": "application/json"}, body=body)

    def _file(self, repository, name, *, body):
        files = self.hub.repositories.get(repository)
        if files is None or name not in files:
            code = "RepoNotFound" if files is None else "EntryNotFound"
            return self._send(404, b"", {"X-Error-Code": code}, body=body)
        data, status = files[name], 200
        headers = {"ETag": f'"{_tag(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            part = data[int(start) : int(end) + 1 if end else None]
            headers["Content-Range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}"
            data, status = part, 206
        if body and name.endswith((".parquet", ".safetensors")):
            self.hub.at_gate.set()
            assert self.hub.gate.wait(HANG_SECONDS)
            if self.hub.fails == "cut":
                return self._send(status, data[: len(data) // 2], headers, body=True, length=len(data))
        return self._send(status, data, headers, body=body)

    def _send(self, status, data, headers, *, body, length=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        if body:
            self.wfile.write(data)
        self.close_connection = length is not None


def _tag(data):
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
