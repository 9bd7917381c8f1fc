"""``cdc-archive``: run the service, or fix a gap.

Exit codes: 0 ended in order, 1 failed, 2 wrong configuration or arguments, 3 refused by its surroundings.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Any

from confluent_kafka import KafkaException

from cdc_pipeline.archive.errors import ArchiveError, ConfigurationError, RefusedError
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.settings import Settings, load
from cdc_pipeline.log import configure

os.environ.setdefault("POLARS_MAX_THREADS", "2")  # tiles are small: more threads only cost; must precede polars' import


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.command == "accept-gap") != (options.topic is not None):
        parser.error("--topic belongs to accept-gap, which needs it")
    try:
        settings = load(options.config, instance_id=options.instance_id)
    except ConfigurationError as error:
        print(f"{options.config}: the configuration is wrong:", file=sys.stderr)
        for problem in error.problems:
            print(f"  - {problem}", file=sys.stderr)
        return 2
    configure(LOGGER, settings.log_level)
    if options.command == "check-config":
        print(f"{options.config}: the configuration is right")
        return 0
    try:
        return _accept_gap(settings, options) if options.command == "accept-gap" else _run(settings)
    except RefusedError as error:
        LOGGER.error("refused", extra={"reason": str(error)})
        return 3
    except (ArchiveError, KafkaException) as error:
        LOGGER.error("failed", extra={"reason": str(error)})
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cdc-archive", description="Archive Kafka topics to Parquet, exactly once.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=("run", "check-config", "accept-gap"),
        default="run",
        help="run (the default): archive until SIGTERM; check-config: say what is wrong with it; accept-gap: write an "
        "empty tile over offsets that neither log nor archive has any more, so that a stopped partition continues",
    )
    parser.add_argument("--config", required=True, help="YAML or JSON file; see the package's archive/README.md")
    parser.add_argument("--instance-id", help="overrides instance_id, which must be unique among running instances")
    parser.add_argument("--topic", help="accept-gap: the topic")
    parser.add_argument(
        "--partition", type=int, action="append", help="accept-gap: may be repeated; without it, all that have a gap"
    )
    return parser


def _run(settings: Settings) -> int:
    from cdc_pipeline.archive import allocator, server, service, store
    from cdc_pipeline.archive.build import registry_of

    allocator.settle()
    archive = service.Service(
        settings, store.Store(store.connect(settings.object_store), settings.object_store.prefix), registry_of(settings)
    )

    def ended(number: int, _: Any) -> None:
        archive.shut_down()

    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGINT, ended)
    try:
        http = server.serve(archive, settings.http.bind, settings.http.port, settings.http.access)
    except OSError as error:
        raise ArchiveError(f"cannot listen on {settings.http.bind}:{settings.http.port}: {error.strerror}") from error
    try:
        archive.run()
    finally:
        http.shutdown()
    return 0


def _accept_gap(settings: Settings, options: argparse.Namespace) -> int:
    from cdc_pipeline.archive.gap import accept

    for line in accept(settings, options.topic, options.partition):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
