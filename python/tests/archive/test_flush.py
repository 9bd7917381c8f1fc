"""A flush whose brokers change places meanwhile."""

from __future__ import annotations

import threading
import time

import pytest
from cdc_pipeline.archive import flush
from cdc_pipeline.archive.errors import UnavailableError
from cdc_pipeline.archive.flush import insist


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flush, "RETRY_SECONDS", 0.01)


class Brokers:
    """They answer the request of the given number."""

    def __init__(self, answer_at: int) -> None:
        self.left = answer_at

    def ask(self) -> str:
        self.left -= 1
        if self.left:
            raise UnavailableError("the leader is another one")
        return "answer"


def test_it_asks_until_it_is_answered():
    assert insist(Brokers(3).ask, time.monotonic() + 60, threading.Event()) == "answer"


@pytest.mark.parametrize(("seconds", "shut_down"), [(0.1, False), (60, True)])
def test_it_gives_up_at_the_end_of_its_time_or_of_the_service(seconds: float, shut_down: bool):
    shutdown = threading.Event()
    if shut_down:
        shutdown.set()
    brokers = Brokers(10**9)
    with pytest.raises(UnavailableError, match="another one"):
        insist(brokers.ask, time.monotonic() + seconds, shutdown)
    assert (10**9 - brokers.left == 1) == shut_down
