"""A cluster of librdkafka's own, in this process, that can say that a group's coordinator is not there now."""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka

_FIND_COORDINATOR = 10
_COORDINATOR_NOT_AVAILABLE = 15
_PRODUCER = 0


class Coordinators:
    """Brokers that know the protocol and store records in memory.

    Args:
        count: brokers.
    """

    def __init__(self, count: int) -> None:
        [library] = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka-*.so*")
        self._c = ctypes.CDLL(str(library))
        for name in ("conf_new", "new", "mock_cluster_new"):
            getattr(self._c, f"rd_kafka_{name}").restype = ctypes.c_void_p
        self._c.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        error = ctypes.create_string_buffer(512)
        configuration = ctypes.c_void_p(self._c.rd_kafka_conf_new())
        owner = self._c.rd_kafka_new(_PRODUCER, configuration, error, ctypes.c_size_t(len(error)))
        assert owner, error.value
        self._cluster = ctypes.c_void_p(self._c.rd_kafka_mock_cluster_new(ctypes.c_void_p(owner), count))

    @property
    def bootstrap_servers(self) -> str:
        return self._c.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str) -> None:
        assert self._c.rd_kafka_mock_topic_create(self._cluster, name.encode(), 1, 1) == 0

    def not_available(self, times: int) -> None:
        """So often from now on, no coordinator is known."""
        errors = (ctypes.c_int * times)(*[_COORDINATOR_NOT_AVAILABLE] * times)
        self._c.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(_FIND_COORDINATOR), ctypes.c_size_t(times), errors
        )
