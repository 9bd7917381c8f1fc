"""What a broker holds, by Kafka's DescribeLogDirs request, which librdkafka does not offer. Version 2."""

from __future__ import annotations

from cdc_pipeline.clients.kafka_wire import NO_TAGS, Reader, ask
from cdc_pipeline.endpoints import KafkaEndpoint

_DESCRIBE_LOG_DIRS = 35
_EVERY_TOPIC = b"\0"


def held(where: KafkaEndpoint, host: str, port: int, seconds: float = 10.0) -> dict[tuple[str, int], int]:
    """Bytes of each replica on one broker, by topic and partition. What was deleted from its log does not count.

    Raises:
        OSError: it does not answer.
        ValueError: it answers with an error, or wants a login that is not spoken here.
    """
    return _read(ask(where, host, port, _DESCRIBE_LOG_DIRS, 2, _EVERY_TOPIC + NO_TAGS, seconds))


def parse(data: bytes) -> dict[tuple[str, int], int]:
    """The response without its length.

    Raises:
        ValueError: it holds an error, or is cut short.
    """
    return _read(Reader.of_answer(data))


def _read(reader: Reader) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    reader.number("i")  # throttle time
    for _ in range(reader.length()):
        error = reader.number("h")
        folder = reader.text()
        if error:
            raise ValueError(f"the broker answers DescribeLogDirs for {folder} with error code {error}")
        for _ in range(reader.length()):
            topic = reader.text()
            for _ in range(reader.length()):
                partition, size = reader.number("i"), reader.number("q")
                reader.number("q")  # offset lag
                reader.number("b")  # whether it is being moved here
                reader.tags()
                found[topic, partition] = found.get((topic, partition), 0) + size
            reader.tags()
        reader.tags()
    return found
