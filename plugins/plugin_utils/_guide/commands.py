# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The commands that errors name, as they are typed where the collection is used."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Errors name targets of the Makefile, with or without arguments.
_TARGET = re.compile(
    r"\bmake (?P<name>site|verify|status|start|stop|logs|destroy|render|migrate|load-test)\b"
    r"(?: COMPONENT=(?P<component>[\w-]+))?(?: ARGS=(?P<option>-[\w-]+))?"
)
_COMMANDS_OF_CDC = ("status", "logs")


@dataclass(frozen=True)
class Commands:
    """How playbooks and the command cdc are called.

    :param playbook: with `{}` for the playbook's name, such as `make INVENTORY=kind {}`; `ansible-playbook -i hosts.yml
        cdc.pipeline.{}` where there is no Makefile.
    :param cdc: the command cdc, which takes the place of what only make has.
    """

    playbook: str = "make {}"
    cdc: str = "cdc"

    def spoken(self, text: str) -> str:
        """The text with its `make` commands as they are typed here."""
        return _TARGET.sub(self._command, text)

    def _command(self, found: re.Match[str]) -> str:
        name, arguments = found["name"], found[0].removeprefix(f"make {found['name']}")
        if self.playbook.startswith("make "):
            return self.playbook.replace("{}", name) + arguments
        if name in _COMMANDS_OF_CDC:
            return " ".join(filter(None, (self.cdc, name, found["component"])))
        return " ".join(filter(None, (self.playbook.replace("{}", name.replace("-", "_")), found["option"])))
