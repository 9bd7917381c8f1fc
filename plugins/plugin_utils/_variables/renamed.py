# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Variables that had another name in an earlier version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible.parsing.dataloader import DataLoader

from ...module_utils._problem import Problem
from .declared import ROOT

TABLE = "meta/renamed_variables.yml"


@dataclass(frozen=True)
class Renamed:
    """An entry of the table.

    :param old: the name that has no effect any more.
    :param new: the variable that took its place.
    :param since: the first version with the new name.
    :param removal_version: the first version that does not know the old name at all.
    """

    old: str
    new: str
    since: str
    removal_version: str

    def problem(self) -> Problem:
        """What to say to who has set it."""
        return Problem(
            "variable",
            f"The variable {self.old} is called {self.new} since version {self.since}, so it would have no effect",
            remedy=f"write {self.new}; this hint goes away in version {self.removal_version}, with the old name",
        )


def read_renamed(loader: DataLoader, root: Path = ROOT) -> dict[str, Renamed]:
    """The table of the collection in the folder `root`, by the old name."""
    table = loader.load_from_file(str(root / TABLE))["renamed_variables"]
    return {old: Renamed(old, **entry) for old, entry in table.items()}
