"""People in the object store: an S3 identity, which the store keeps itself and learns of at once.

Whatever their right in the pipeline, people only read: nobody but the archive writes objects, and nobody deletes them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

import obstore
from obstore.exceptions import BaseError

from cdc_pipeline.clients import s3
from cdc_pipeline.endpoints import Keys, ObjectStoreEndpoint
from cdc_pipeline.people.logins import Person
from cdc_pipeline.people.standing import Standing
from cdc_pipeline.supervise.replica import Replica

SECONDS = 60.0
# As in the identities of the role object_store.
_POLICY = "reader"
# S3 does not know the access key; it knows the key by another secret, or the key may not list.
_REFUSALS = {
    "InvalidAccessKeyId": Standing.OUT,
    "SignatureDoesNotMatch": Standing.PARTLY,
    "AccessDenied": Standing.PARTLY,
}


class ObjectStore:
    """The store.

    Args:
        shell: runs a line in the store's own shell, as :func:`shell_of` does.
    """

    title = "the object store"

    def __init__(self, where: ObjectStoreEndpoint, shell: Callable[[str], None]) -> None:
        self._where, self._shell = where, shell

    def standing(self, person: Person) -> dict[str, Standing]:
        """Whether the login lists the archive, by the store's URL.

        Raises:
            OSError: it does not answer.
        """
        store = s3.store(self._where.signed_by(Keys(person.name, person.password)), retries=0)
        try:
            obstore.list_with_delimiter(store, prefix=self._where.prefix or None)
        except BaseError as error:
            said = str(error)
            for sign, found in _REFUSALS.items():
                if sign in said:
                    return {self._where.endpoint_url: found}
            raise OSError(said.strip().splitlines()[0][:300]) from None
        return {self._where.endpoint_url: Standing.IN}

    def admit(self, person: Person) -> None:
        """
        Raises:
            OSError: the store refuses, or does not answer.
        """
        self._shell(
            f"s3.configure -user={person.name} -access_key={person.name} -secret_key={person.password}"
            f" -policies={_POLICY} -apply"
        )

    def dismiss(self, person: Person) -> None:
        """
        Raises:
            OSError: the store refuses, or does not answer.
        """
        self._shell(f"s3.configure -user={person.name} -delete -apply")


def shell_of(replica: Replica) -> Callable[[str], None]:
    """The shell of a store that is a process on this host. It raises OSError where the store refuses."""

    def run(line: str) -> None:
        try:
            done = subprocess.run(
                shell_command(replica.start.command),
                input=shell_input(line),
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
                env=replica.start.env,
            )
        except subprocess.TimeoutExpired:
            raise silent() from None
        judge(done.returncode, done.stderr)

    return run


def shell_input(line: str) -> str:
    """What the shell reads. Secrets go by its input alone."""
    return f"{line}\nexit\n"


def judge(code: int, errors: str) -> None:
    """Raises OSError where the shell could not do it. Its output has secrets, its errors have none."""
    # The code is 0 whatever becomes of a line.
    wrong = [each for each in errors.splitlines() if each.startswith(("error", "unknown command"))]
    if wrong or code:
        raise OSError(wrong[0][:300] if wrong else f"its shell ended with {code}")


def silent() -> OSError:
    """The error where the shell does not come to its end."""
    return OSError(f"its master did not answer within {SECONDS:.0f} s")


def shell_command(server: tuple[str, ...]) -> list[str]:
    """The command of the store's shell, by that of its server."""
    given = _arguments(server)
    master, filer = (
        f"{given['ip']}:{given[f'{part}.port']}.{given[f'{part}.port.grpc']}" for part in ("master", "filer")
    )
    return [server[0], f"-config_dir={given['config_dir']}", "shell", f"-master={master}", f"-filer={filer}"]


def _arguments(command: tuple[str, ...]) -> Mapping[str, str]:
    return dict(each.lstrip("-").split("=", 1) for each in command if each.startswith("-") and "=" in each)
