# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.filter.to_postgresql_conf import to_postgresql_conf


def test_values_are_quoted_as_postgresql_reads_them():
    settings = {"wal_level": "logical", "port": 5432, "fsync": True, "jit": False, "log_line_prefix": "it's", "x": None}
    assert to_postgresql_conf(settings) == (
        "fsync = 'on'\njit = 'off'\nlog_line_prefix = 'it''s'\nport = '5432'\nwal_level = 'logical'\n"
    )
