# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every value of every type is in the archive as PostgreSQL has it, however it came there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from comparison import Comparison
from found import FOUND
from pipeline import Pipeline
from run import Run
from tables import Table

SEED = 11
TABLES = 20
_MANY, _AT_ONCE = 500, 25


@pytest.fixture(scope="module")
def run(pipeline: Pipeline) -> Iterator[Run]:
    with pipeline.connect() as connection:
        run = Run(pipeline, connection)
        yield run
        run.clean()


@pytest.fixture(scope="module")
def tables(run: Run) -> list[Table]:
    return [*run.tables(SEED, TABLES), *run.kept()]


@pytest.fixture(scope="module")
def found(run: Run, tables: list[Table]) -> list[Comparison]:
    return list(run.through(tables).values())


def test_every_type_of_the_server_is_a_column_of_some_table(run: Run, tables: list[Table]):
    assert not run.types.missing
    columns = {column.shape.declared for table in tables for column in table.columns}
    assert not {shape.declared for shape in run.types.dealt} - columns


@pytest.mark.parametrize("number", range(TABLES + len(FOUND)))
def test_a_table(number: int, found: list[Comparison]):
    comparison = found[number]
    assert not comparison.faults, comparison.report()


@pytest.mark.full
def test_tables_of_a_fresh_seed(run: Run):
    first = int(os.environ.get("CDC_SEED", secrets.randbelow(10**9)))
    many = int(os.environ.get("CDC_TABLES", _MANY))
    print(f"CDC_SEED={first} CDC_TABLES={many}")
    bad: list[Comparison] = []
    for seed in range(first, first + many // _AT_ONCE):
        bad += [each for each in run.through(run.tables(seed, _AT_ONCE)).values() if each.faults]
    told = "\n\n".join(each.report() for each in bad[:20])
    assert not bad, f"CDC_SEED={first} CDC_TABLES={many}: {len(bad)} tables\n\n{told}"
