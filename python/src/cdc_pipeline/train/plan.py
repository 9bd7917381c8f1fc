"""What a training is asked for: the plan that the module `java_cache` hands over."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cdc_pipeline.shape import read

KAFKA, CONNECT, REGISTRY = "kafka", "connect", "schema_registry"


@dataclass(frozen=True)
class Program:
    """One of the programs.

    Attributes:
        class_path: the jar that names all others, or starts the program.
        options: of Java, those that a cache depends on.
        cache: folder of the cache to make; empty where it is there.
    """

    class_path: str
    options: tuple[str, ...] = ()
    cache: str = ""


@dataclass(frozen=True)
class Identity:
    """What the servers prove with who they are, as texts: in PEM, and as JKS key stores in base64.

    Attributes:
        authority: who has signed the certificate.
        certificate: for 127.0.0.1, of the name that brokers have.
        key: in PKCS #8.
        trust_store: with the authority.
        key_store: with the certificate and its key.
    """

    authority: str
    certificate: str
    key: str = field(repr=False)
    trust_store: str
    key_store: str = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """
    Attributes:
        home: whose training it is, so that the instance's end ends it.
        cache: folder of the artifacts, below which all of it happens.
        java: the binary.
        postgresql: folder of PostgreSQL's programs.
        user: whom the servers run as, and what they write belongs to; empty for the one who runs this.
        programs: by name, all three, since each needs the others.
        identity: of all servers.
        events: how many have to pass while the programs record.
        seconds: most that all of it may take.
        background: whether everything else on this host goes first.
        calm: most seconds to wait, in the background, until the host has processors to spare.
    """

    home: str
    cache: str
    java: str
    postgresql: str
    programs: Mapping[str, Program]
    identity: Identity
    user: str = ""
    events: int = 400_000
    rate: int = 10_000
    seconds: int = 900
    background: bool = True
    calm: int = 600

    @property
    def wanted(self) -> list[str]:
        """Names of the programs whose cache is to be made, and is not there yet."""
        return [name for name, program in self.programs.items() if program.cache and not Path(program.cache).exists()]


def load(path: Path) -> Plan:
    """
    Args:
        path: of a file with JSON; ``-`` for the standard input.

    Raises:
        OSError, ValueError: it cannot be read.
        ShapeError: it is not such a plan.
    """
    text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    return read(Plan, json.loads(text), "the plan")
