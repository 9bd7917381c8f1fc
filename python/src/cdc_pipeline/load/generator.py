"""Sends transactions at their time, whether or not earlier ones were quick: an open loop, in a process of its own."""

from __future__ import annotations

import multiprocessing
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.load import table

# Against a commit that takes longer than the time between two.
WRITERS = 4


@dataclass(frozen=True)
class Order:
    """What is to be sent. ``begin``: wall clock of the first transaction; ``run``: value of the column of that name."""

    database: PostgresqlEndpoint
    table: str
    run: int
    begin: float
    rate: float
    transactions: int
    size: int

    def intended(self, number: int) -> float:
        """When a transaction is due, wall clock."""
        return self.begin + number * self.size / self.rate


@dataclass(frozen=True)
class Sent:
    """A transaction that was committed; wall clock seconds."""

    number: int
    intended: float
    started: float
    committed: float


class GeneratorError(RuntimeError):
    """The generator ended before its time."""


def _write(order: Order, writer: int, stop: threading.Event, sent: list[Sent]) -> None:
    insert, update = table.insert_sql(order.table), table.update_sql(order.table)
    with postgresql.connect(order.database, autocommit=False, application_name="cdc-load") as connection:
        for number in range(writer, order.transactions, WRITERS):
            each = table.transaction(number, order.size, WRITERS)
            intended = order.intended(number)
            if stop.wait(max(0.0, intended - time.time())):
                return
            started = time.time()
            connection.execute(insert, table.insert_arguments(order.run, each))
            if each.updates:
                connection.execute(update, table.update_arguments(order.run, each))
            connection.commit()
            sent.append(Sent(number, intended, started, time.time()))


def _main(order: Order, pipe: Connection) -> None:
    stop = threading.Event()
    lists: list[list[Sent]] = [[] for _ in range(WRITERS)]
    problems: list[str] = []

    def work(writer: int) -> None:
        try:
            _write(order, writer, stop, lists[writer])
        except Exception:
            problems.append(traceback.format_exc(limit=1))
            stop.set()

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    told = 0
    while any(thread.is_alive() for thread in threads):
        if pipe.poll(0.2):
            pipe.recv()
            stop.set()
        count = sum(len(each) for each in lists)
        if count != told:
            pipe.send(("count", count))
            told = count
    pipe.send(("end", sorted((each for mine in lists for each in mine), key=lambda each: each.number), problems))


class Generator:
    """The running generator. ``count``: transactions committed so far; ``sent``: all of them once it has ended."""

    def __init__(self, process: Any, pipe: Connection) -> None:
        self._process, self._pipe = process, pipe
        self.pid: int = process.pid
        self.count = 0
        self.sent: list[Sent] = []
        self.ended = False

    def look(self) -> None:
        """Takes in what it has told.

        Raises:
            GeneratorError: it failed.
        """
        try:
            while not self.ended and self._pipe.poll():
                kind, *rest = self._pipe.recv()
                if kind == "count":
                    self.count = rest[0]
                else:
                    self.sent, problems = rest
                    self.count = len(self.sent)
                    self.ended = True
                    if problems:
                        raise GeneratorError(problems[0].strip().splitlines()[-1])
        except EOFError:
            raise GeneratorError("the generator's process died") from None

    def stop(self) -> None:
        """Asks it to end after the transactions in flight."""
        if not self.ended and self._process.is_alive():
            self._pipe.send("stop")


@contextmanager
def running(order: Order) -> Iterator[Generator]:
    """Runs a generator; it no longer exists afterwards."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe()
    process = spawn.Process(target=_main, args=(order, its), name="cdc-load-generator", daemon=True)
    process.start()
    its.close()
    try:
        yield Generator(process, mine)
    finally:
        if process.is_alive():
            process.terminate()
        process.join(5)
