"""What a view rests on, short enough for a link: so that a link opened elsewhere can say what differs there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from explorer.store.schema import Key, Manifest, Run

_CODE = re.compile(r"([0-9a-f]{6})\.([0-9a-f]{6})\.([0-9a-f]{6})(?:\.([0-9a-f]{6}))?")
_NOTHING = "000000"
"""Where there is no checkpoint, or no data, as in an import of the authors' files."""


@dataclass(frozen=True)
class Fingerprint:
    """Six hexadecimal digits each."""

    checkpoint: str
    """Digits of the run's fine-tuned weights."""
    data: str
    """Digits of the dev set that the stored scores are on."""
    study: str
    """Digits over every artefact of the run's model and task: all seeds, all stages."""
    live: str = ""
    """Digits of the sentences that the lab scores, where the view is the lab."""

    @property
    def code(self) -> str:
        """Text for a link: 'b9fb56.7004c3.51a0d4'."""
        return ".".join(part for part in (self.checkpoint, self.data, self.study, self.live) if part)


def fingerprint_of(manifests: Iterable[Manifest], run: Run) -> Fingerprint:
    """Makes the fingerprint of a run as these manifests describe it.

    A checkpoint that does not ship counts as one that does.
    """
    own = [manifest for manifest in manifests if (manifest.model, manifest.task) == (run.model, run.task)]
    finetuned = next((manifest for manifest in own if manifest.key == Key(run, "finetune")), None)
    digest = hashlib.sha256()
    for manifest in sorted(own, key=lambda one: str(one.key.path)):
        digest.update(f"{manifest.key.path} {manifest.checkpoint_sha256}\n".encode())
        for name, entry in sorted({**manifest.files, **manifest.withheld}.items()):
            digest.update(f"{name} {entry.sha256}\n".encode())
    dev = finetuned.data.get("dev", {}) if finetuned else {}
    return Fingerprint(
        short(finetuned.checkpoint_sha256 if finetuned else ""),
        short(str(dev.get("sha256", ""))),
        digest.hexdigest()[:6],
    )


def short(sha256: str) -> str:
    """Returns the first six hexadecimal digits; non-hashes are hashed first; '' gives 000000."""
    if not sha256:
        return _NOTHING
    return sha256[:6] if re.fullmatch("[0-9a-f]{64}", sha256) else hashlib.sha256(sha256.encode()).hexdigest()[:6]


def read_fingerprint(code: str) -> Fingerprint | None:
    """Reads what a link says; None where that is no fingerprint."""
    match = _CODE.fullmatch(code)
    return Fingerprint(match[1], match[2], match[3], match[4] or "") if match else None


def differences(link: Fingerprint, here: Fingerprint, run: Run) -> list[str]:
    """Sentences on what is not here as it was where the link was made; empty where all is the same."""
    found = []
    if link.checkpoint != here.checkpoint:
        found.append(
            f"This link was made with another checkpoint of {run.task}, seed {run.seed} ({link.checkpoint}) than the "
            f"one here ({here.checkpoint}): numbers may differ."
        )
    if link.data != here.data:
        found.append(
            f"This link was made with other dev data of {run.task} ({link.data}) than here ({here.data}): "
            "scores are on other examples."
        )
    if not found and link.study != here.study:
        found.append(
            f"This link was made where {run.task} had other results (other seeds or stages, or computed anew): what is "
            "over all seeds may differ here."
        )
    return found


def live_difference(link: Fingerprint, sha256: str, title: str) -> str:
    """A sentence where the link's lab scored other sentences than `sha256`, which `title` names; else ''."""
    if not link.live or link.live == short(sha256):
        return ""
    return (
        f"This link was made with other sentences ({link.live}) than the lab scores here: {title} ({short(sha256)}). "
        "Its score may differ."
    )
