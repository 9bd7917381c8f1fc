# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A store's process."""

from __future__ import annotations

from dataclasses import dataclass

BODY = b"as it was"


@dataclass(frozen=True)
class Process:
    """The store's process, and whatever it listens at."""

    pid: int
    arguments: list[str]
    ports: tuple[int, ...]
    sockets: tuple[str, ...]

    def argument(self, name: str) -> str:
        return next(each.partition("=")[2] for each in self.arguments if each.startswith(f"-{name}="))
