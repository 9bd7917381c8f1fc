# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The collection's one exception hierarchy. `_module.run` is the only place that turns it into `fail_json`."""

from __future__ import annotations

from typing import Any


class PipelineError(Exception):
    """Says what went wrong, where, why, and what to do next.

    :param what: one sentence for the headline.
    :param where: the server, object or option concerned.
    :param why: the evidence, as the server or the check gave it.
    :param remedy: the user's next step.
    :param details: further keys of the module's failure result (JSON-serialisable, without secrets).
    """

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "", **details: Any) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy
        self.details = details

    @property
    def message(self) -> str:
        """The parts that are known, one paragraph each."""
        labelled = (("Where", self.where), ("Why", self.why), ("Next", self.remedy))
        return "\n".join([self.what, *(f"{label}: {text}" for label, text in labelled if text)])


class UnreachableError(PipelineError):
    """No answer came: refused, reset, timed out, or TLS could not be set up.

    :param never_sent: the request cannot have had an effect.
    :param lasting: waiting will not help.
    """

    def __init__(self, what: str, *, never_sent: bool = False, lasting: bool = False, **parts: Any) -> None:
        super().__init__(what, **parts)
        self.never_sent = never_sent
        self.lasting = lasting


class RequestError(PipelineError):
    """The server answered with an error.

    :param status: HTTP status.
    :param code: the service's own `error_code`, None when the body was not its own (a proxy, another server).
    """

    def __init__(self, what: str, *, status: int, code: int | None, **parts: Any) -> None:
        super().__init__(what, **parts)
        self.status = status
        self.code = code


class InvalidError(PipelineError):
    """What was asked for is wrong; nothing has been changed."""


class RefusedError(PipelineError):
    """What was asked for is possible only at the cost of data or by other means; nothing has been changed."""


class FailedError(PipelineError):
    """The change was made, and the object does not work."""


class DeadlineError(PipelineError):
    """The change was made, and its effect did not show in time."""


class MissingLibraryError(PipelineError):
    """A Python library that the module needs is not installed.

    :param library: the distribution's name.
    :param trace: the import's traceback.
    """

    def __init__(self, library: str, trace: str) -> None:
        remedy = f"install it for the Python that runs this: pip install {library}, in the version of requirements.txt"
        super().__init__(f"The Python library {library} is missing", remedy=remedy)
        self.library = library
        self.trace = trace
