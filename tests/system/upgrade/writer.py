# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes the sample tables all the while, and keeps every committed change by value.

Small transactions insert, update and delete rows of all four tables. The database restarts during an upgrade: then the
writer connects again, and asks whether what had no answer was committed.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from changes import DELETE, INSERT, KEYS, SNAPSHOT, UPDATE, Change
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

# Changes of a transaction, on average.
CHANGES = 10
# A run that never ends must not fill the disk.
_MOST_TRANSACTIONS = 40_000
_RECONNECT_SECONDS = 0.5
# Orders that may still be deleted, and rows of a user's or a product's that are updated.
_RECENT = 50
_TEXTS = ("Ada O'Neil", 'Zoë "Zed" Müller', "李 小龍", "back\\slash", "tab\tand line\nbreak", " blank at both ends ")

Connection = psycopg.Connection[dict[str, Any]]


class Writer:
    """Writes in a thread of its own.

    Args:
        address: tells where the database is and how to sign in, each time that a connection is made.
        rate: changes in a second.
    """

    def __init__(self, address: Callable[[], dict[str, Any]], rate: float) -> None:
        self._address = address
        self._pause = CHANGES / rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._random = random.Random(7)
        self._orders: deque[int] = deque()
        self._users: list[int] = []
        self._products: list[int] = []
        self._pending: tuple[str, list[Change]] | None = None
        self._times: list[float] = []
        self.changes: list[Change] = []
        self.interruptions = 0
        self.problem: BaseException | None = None

    def connect(self) -> Connection:
        # Before the upgrade it has no TLS, and afterwards it may have.
        where = PostgresqlEndpoint(**self._address())
        return postgresql.connect(where, autocommit=False, options="-c TimeZone=UTC", row_factory=dict_row)

    def start(self) -> None:
        """Begins, with the rows that are there as the connector's snapshot has them."""
        with self.connect() as connection:
            for table in KEYS:
                self.changes += [Change(table, SNAPSHOT, row) for row in rows_of(connection, table)]
        self._users = [change.row["user_id"] for change in self.changes if change.table == "public.users"]
        self._products = [change.row["product_id"] for change in self.changes if change.table == "public.products"]
        self._thread.start()

    def stop(self) -> None:
        """Ends, with no transaction in doubt. Raises what ended it before."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(60)
        if self.problem is not None:
            raise self.problem
        assert not self._thread.is_alive(), "the writer does not end"

    def committed(self, since: float, until: float) -> int:
        """Transactions that were committed between two moments of the monotonic clock."""
        return sum(since <= moment <= until for moment in list(self._times))

    def _run(self) -> None:
        connection: Connection | None = None
        due = time.monotonic()
        try:
            while (self._pending or not self._stop.wait(max(0.0, due - time.monotonic()))) and (
                len(self._times) < _MOST_TRANSACTIONS
            ):
                try:
                    if connection is None:
                        connection = self.connect()
                        self._settle(connection)
                    else:
                        self._transact(connection)
                        # What an interruption kept from being sent is not made up for.
                        due = max(due + self._pause, time.monotonic() - self._pause)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    self.interruptions += 1
                    if connection is not None:
                        connection.close()
                    connection = None
                    time.sleep(_RECONNECT_SECONDS)
        except BaseException as problem:
            self.problem = problem
        finally:
            if connection is not None:
                connection.close()

    def _transact(self, connection: Connection) -> None:
        number = connection.execute("SELECT pg_current_xact_id()::text AS id").fetchone()
        assert number is not None
        made = list(self._changes(connection))
        self._pending = (number["id"], made)
        connection.commit()
        self._keep()

    def _settle(self, connection: Connection) -> None:
        """Finds out what became of a transaction whose commit had no answer."""
        while self._pending is not None:
            row = connection.execute("SELECT pg_xact_status(%s::text::xid8) AS status", (self._pending[0],)).fetchone()
            connection.commit()
            assert row is not None
            if row["status"] == "committed":
                self._keep()
            elif row["status"] == "aborted":
                self._pending = None
            else:
                time.sleep(_RECONNECT_SECONDS)

    def _keep(self) -> None:
        assert self._pending is not None
        made = self._pending[1]
        self._pending = None
        self._times.append(time.monotonic())
        self.changes += made
        for change in made:
            if change.table == "public.orders" and change.operation == INSERT:
                self._orders.append(change.row["order_id"])
            if change.table == "public.users" and change.operation == INSERT:
                self._users.append(change.row["user_id"])
            if change.table == "public.orders" and change.operation == DELETE:
                self._orders.remove(change.row["order_id"])

    def _changes(self, connection: Connection) -> Iterator[Change]:
        def does(operation: str, table: str, statement: str, *values: Any) -> list[Change]:
            rows = connection.execute(f"{statement} RETURNING *", values).fetchall()
            return [Change(f"public.{table}", operation, row) for row in rows]

        chance, number = self._random, len(self._times)
        text = chance.choice(_TEXTS)
        if number % 5 == 0:
            yield from does(
                INSERT,
                "users",
                "INSERT INTO users (email, full_name, country) VALUES (%s, %s, %s)",
                f"upgrade-{number}-{chance.randrange(10**9)}@example.com",
                text,
                chance.choice(("DE", "FR", "PL")),
            )
        yield from does(
            UPDATE,
            "users",
            "UPDATE users SET full_name = %s, active = NOT active, updated_at = clock_timestamp() WHERE user_id = %s",
            f"{text} {number}",
            chance.choice(self._users[-_RECENT:]),
        )
        product = chance.choice(self._products[-_RECENT:])
        yield from does(
            UPDATE,
            "products",
            "UPDATE products SET stock = %s, price = %s, attributes = %s WHERE product_id = %s",
            number,
            f"{chance.randrange(1, 10**8) / 100:.2f}",
            Jsonb({"text": text, "number": number, "inner": {"list": [1, 2.5, None, True]}}),
            product,
        )
        (order,) = does(
            INSERT,
            "orders",
            "INSERT INTO orders (user_id, placed_at) VALUES (%s, clock_timestamp())",
            chance.choice(self._users[-_RECENT:]),
        )
        yield order
        yield from does(
            INSERT,
            "order_items",
            "INSERT INTO order_items (order_id, line, product_id, quantity, unit_price) "
            "SELECT %s, n, %s, n * 2, n + 0.99 FROM generate_series(1, 4) AS n",
            order.row["order_id"],
            product,
        )
        yield from does(
            UPDATE,
            "orders",
            "UPDATE orders SET status = 'paid', total = %s, updated_at = clock_timestamp() WHERE order_id = %s",
            f"{number}.07",
            order.row["order_id"],
        )
        if len(self._orders) > _RECENT:
            oldest = self._orders[0]
            # First, or the deletes by the foreign key would be none of ours.
            yield from does(DELETE, "order_items", "DELETE FROM order_items WHERE order_id = %s AND line <= 2", oldest)
            if number % 2:
                yield from does(DELETE, "order_items", "DELETE FROM order_items WHERE order_id = %s", oldest)
                yield from does(DELETE, "orders", "DELETE FROM orders WHERE order_id = %s", oldest)
            else:
                self._orders.rotate(-1)


def rows_of(connection: Connection, table: str) -> list[dict[str, Any]]:
    """A table's rows."""
    return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split(".")))).fetchall()


@contextmanager
def writing(address: Callable[[], dict[str, Any]], rate: float) -> Iterator[Writer]:
    """A writer at work; it has ended afterwards."""
    writer = Writer(address, rate)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()
