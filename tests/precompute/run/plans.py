"""Plans made by hand, and an engine and a clock that do what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.store.schema import Key, Run
from precompute.run.carrying_out import Outcome
from precompute.run.graph import Job

MODEL = "tiny-bert"


def key(name, seed=7, task="MRPC"):
    """'structured.together' of one run."""
    stage, _, variant = name.partition(".")
    return Key(Run(MODEL, task, seed), stage, variant)


def job(name, *needs, seed=7, task="MRPC"):
    """One that needs others of its run."""
    return Job(key(name, seed, task), tuple(key(need, seed, task) for need in needs), seed)


@dataclass
class FakeEngine:
    """Ends one job at a time, the one begun first, each after 10 s of a clock of its own, as it is told to."""

    slots: int = 1
    ends: dict[Key, list[Outcome]] = field(default_factory=dict)
    """Key -> how it ends, try by try; well where there is nothing."""
    began: list[Key] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    now: float = 0.0
    stopped: bool = False
    most: int = 0

    def start(self, job):
        self.began.append(job.key)
        self.running.append(job)
        self.most = max(self.most, len(self.running))

    def outcomes(self, seconds):
        self.now += 10
        ended = self.running.pop(0)
        ends = self.ends.get(ended.key)
        return [ends.pop(0) if ends else Outcome(ended.key, 10.0)]

    def stop(self):
        self.stopped = True
        self.running.clear()

    def clock(self):
        return self.now
