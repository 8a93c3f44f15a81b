"""Open files: a process may have as many connections as its system allows, not the 1,024 that a shell begins with."""

import resource

import structlog

PLENTY = 65_536

log = structlog.get_logger()


def allow_more_files() -> None:
    """Raise this process's limit of open files to the system's, as far as it is of use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PLENTY if hard == resource.RLIM_INFINITY else min(PLENTY, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        log.info("open_files_not_raised", limit=soft, error=str(error))
