# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits that follow from the largest row are ordered, whatever it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.filter import connect_sizes, record_sizes
from ansible_collections.cdc.pipeline.plugins.filter import topic_segment as segment_filter
from ansible_collections.cdc.pipeline.plugins.module_utils._sizes import (
    LEAST_ROW,
    MIB,
    MOST_ROW,
    ConnectSizes,
    RecordSizes,
    broker_heap,
    broker_limit,
    least_connect_limit,
    topic_segment,
)
from hypothesis import given
from hypothesis import strategies as st

ROWS = st.integers(LEAST_ROW, MOST_ROW)
LIMITS = st.integers(256 * MIB, 64 * 1024 * MIB)
# A key as large as an index takes, in the key and in the row, and 1,600 names of columns that are cut or not sent.
UNCUT = 2 * 700 * 1024 + 1600 * 140
FIELDS = 200
BATCH_OVERHEAD = 61 + 21 + FIELDS
# LZ4 keeps what cannot be compressed, with four bytes for a block of 64 KiB.
GROWTH = 1 / 16384


@given(ROWS)
def test_what_must_fit_fits(row: int):
    sizes = RecordSizes.of(row)
    largest = max(row, UNCUT) + BATCH_OVERHEAD
    assert largest < sizes.record
    assert sizes.record * (1 + GROWTH) + BATCH_OVERHEAD < sizes.batch
    assert sizes.batch + 512 * 1024 < sizes.dead_letter < sizes.request < sizes.response
    assert sizes.dead_letter <= sizes.fetch_response and sizes.dead_letter <= sizes.segment
    # A signed number of four bytes.
    assert sizes.response < 2**31 and sizes.segment < 2**31


@given(ROWS, LIMITS, st.booleans())
def test_a_worker_has_room_for_what_it_divides_or_says_that_it_has_not(row: int, limit: int, sinks: bool):
    sizes = ConnectSizes.of(limit, row, sinks)
    assert sizes.heap < limit
    # The producer takes the largest record.
    assert sizes.producer > RecordSizes.of(row).record
    assert sizes.snapshot_rows > 1 and sizes.queue >= 8 * MIB
    if limit >= least_connect_limit(row, sinks):
        assert sizes.needed <= sizes.heap
    else:
        assert sizes.needed > sizes.heap - 4 * MIB


@given(ROWS, st.booleans())
def test_the_least_limit_is_not_far_too_large(row: int, sinks: bool):
    least = least_connect_limit(row, sinks)
    below = ConnectSizes.of(int(least * 0.95), row, sinks)
    assert below.needed > below.heap


@given(ROWS, st.integers(MIB, 2**44), st.integers(0, 100_000))
def test_a_segment_holds_a_batch(row: int, storage: int, replicas: int):
    segment = topic_segment(storage, replicas, row)
    assert RecordSizes.of(row).batch <= segment
    assert segment * replicas <= max(storage // 4, replicas * RecordSizes.of(row).batch)


def test_clients_of_the_services_take_the_largest():
    text = (Path(__file__).parents[4] / "python/src/cdc_pipeline/clients/kafka.py").read_text()
    (mebibytes,) = re.findall(r"^LARGEST = (\d+) << 20$", text, re.MULTILINE)
    assert RecordSizes.of(MOST_ROW).response <= int(mebibytes) * MIB


def test_the_defaults_fit():
    row = 16 * MIB
    assert least_connect_limit(row) <= 1024 * MIB and least_connect_limit(row, sinks=True) <= 1024 * MIB
    assert broker_heap(row) <= 320 * MIB and broker_limit(320 * MIB, row) <= 682 * MIB


def test_filters_take_what_kubernetes_writes():
    assert record_sizes.FilterModule().filters()["record_sizes"]("16Mi")["record"] == 17 * MIB
    divided = connect_sizes.FilterModule().filters()["connect_sizes"]("1Gi", row="16Mi")
    assert divided["heap"] == 672 * MIB and divided["needed"] <= divided["heap"]
    assert segment_filter.FilterModule().filters()["topic_segment"]("10Gi", 36, "16Mi") == 64 * MIB


def test_filters_name_what_is_no_size():
    for call in (
        lambda: record_sizes.record_sizes("much"),
        lambda: connect_sizes.connect_sizes("1Gi", "much"),
        lambda: segment_filter.topic_segment("much", 1, "16Mi"),
    ):
        with pytest.raises(AnsibleFilterError, match="'much' is not a quantity"):
            call()
