"""What happened when a job failed, and what to do, for a person; the log has the exception. No I/O."""

from shared.connections.failures import why_not_reached
from shared.database.refusals import said_by_database
from shared.secrets.redaction import redact_text

LONGEST_REASON = 2000
_NEXT = "it is tried again at the next tick"
_OURS = ("services.", "shared.")


def why_failed(error: BaseException, service: str) -> str:
    """The reason in words: no name that a program gives to an error, and no secret."""
    return redact_text(_reason(error, service).replace("\x00", ""))[:LONGEST_REASON]


def _reason(error: BaseException, service: str) -> str:
    """Errors of our own say it themselves; of the others, the database and the network know what to mend."""
    database = f"the database of {service} (TIMEBALL_{service.upper()}_DATABASE_URL)"
    if type(error).__module__.startswith(_OURS) and str(error):
        return str(error)
    if said := said_by_database(error):
        return f"{database} cannot be used: {said}; mend that; {_NEXT}"
    if reason := why_not_reached(error):
        return f"a server could not be reached, most likely {database}: {reason}; bring it back; {_NEXT}"
    told = f" ({error})" if str(error) else ""
    return f"an error that nobody expected{told}; the log of {service} says more (job_failed); {_NEXT}"
