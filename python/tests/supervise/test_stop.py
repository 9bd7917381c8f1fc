"""In which order everything stops."""

from __future__ import annotations

import pytest
from cdc_pipeline.supervise import stop as tool
from cdc_pipeline.supervise.rpc import Process


class Supervisor:
    """Three brokers, their client and the prober; each ends ``slow`` looks after it was asked, or never."""

    def __init__(self, slow: int = 2, deaf: tuple[str, ...] = ()) -> None:
        self.slow, self.deaf = slow, deaf
        self.events: list[str] = []
        self.left = {"kafka-0": None, "kafka-1": None, "kafka-2": None, "archive-0": None, "cdc-prober": None}

    def programs(self):
        priorities = {"kafka": 102, "archive": 106, "cdc": -1}
        return [
            {"name": name, "group_prio": priorities[name.partition("-")[0]], "stopwaitsecs": 0} for name in self.left
        ]

    def stop(self, name):
        self.events.append(f"stop {name}")
        self.left[name] = self.slow

    def processes(self):
        found = {}
        for name, left in self.left.items():
            if left and name not in self.deaf:
                self.left[name] = left = left - 1
                if not left:
                    self.events.append(f"end {name}")
            found[name] = Process(name, "RUNNING" if left != 0 else "STOPPED", 1, 0)
        return found


def test_replicas_together_and_clients_first():
    supervisor = Supervisor()
    assert tool.stop(supervisor, pause=0) == []
    brokers = [f"kafka-{ordinal}" for ordinal in range(3)]
    assert supervisor.events == [
        "stop archive-0",
        "end archive-0",
        *(f"stop {name}" for name in brokers),
        *(f"end {name}" for name in brokers),
    ]


def test_what_does_not_end_is_told_and_the_rest_stops():
    supervisor = Supervisor(deaf=("archive-0",))
    seconds = iter(range(0, 1000, 4))
    assert tool.stop(supervisor, clock=lambda: float(next(seconds)), pause=0) == ["archive-0"]
    assert "end kafka-2" in supervisor.events


def test_a_supervisor_that_has_gone_is_no_failure(tmp_path, capsys):
    assert tool.main(["--socket", str(tmp_path / "none.sock")]) == 0
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(("left", "status"), [([], 0), (["kafka-0"], 1)])
def test_the_status_tells_whether_all_ended(tmp_path, monkeypatch, left, status):
    monkeypatch.setattr(tool, "stop", lambda supervisor: left)
    assert tool.main(["--socket", str(tmp_path / "x.sock")]) == status
