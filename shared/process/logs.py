"""Logs: every line of a process in one style, whoever wrote it, without a secret in it.

On a terminal for people, elsewhere one JSON object a line. Libraries that log through the standard library go through
the same steps. Uvicorn keeps its own style unless started with `log_config=None`.
"""

import logging
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.process.output import Output
from shared.process.repetition import Repetition
from shared.secrets.redaction import redact_fields, redact_text

LEVELS = ("debug", "info", "warning", "error", "critical")
FIRST = ("timestamp", "level", "service", "event")
LIBRARY_FIELDS = ("exchange", "queue", "message_id")
CHATTY = ("httpx", "httpcore", "aiosqlite", "uvicorn.access", "uvicorn.error", "alembic")  # a line for every step
REPETITIVE = ("aiormq", "aio_pika.tools")
"""While the broker is away, which aio_pika tells in a line: a traceback a second, an error for each lost channel."""


def configure(
    service: str,
    *,
    format: Literal["console", "json"] | None = None,
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """Log to `stream` (standard error) from now on, in the style that suits it unless one is given. What it does not
    take is late or left out."""
    output = cast(TextIO, Output(stream or sys.stderr))
    threshold = threshold_of(level)
    render = _Render(format or ("console" if output.isatty() else "json"), colors=output.isatty())
    structlog.configure(
        processors=[*_steps(service), Repetition(), render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    _take_over_libraries(_library_handler(service, render, output), threshold)


def threshold_of(level: str) -> int:
    """The number of a level's name; ValueError where there is no such level."""
    if level.lower() not in LEVELS:
        raise ValueError(f"unknown log level {level!r}: choose one of {', '.join(LEVELS)}")
    return logging.getLevelNamesMapping()[level.upper()]


def _steps(service: str) -> list[Processor]:
    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # the plain traceback, which shows no local variables
    ]


def _library_handler(service: str, render: Processor, stream: TextIO) -> logging.Handler:
    names: Sequence[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=LIBRARY_FIELDS),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_steps(service), *names],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    return handler


def _take_over_libraries(handler: logging.Handler, threshold: int) -> None:
    for name in logging.root.manager.loggerDict:
        logger = logging.getLogger(name)
        if logger.handlers:
            logger.handlers.clear()
            logger.propagate = True
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(threshold)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    for name in REPETITIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Render:
    """The last step: the line itself, redacted before and after it is put together."""

    def __init__(self, style: Literal["console", "json"], *, colors: bool) -> None:
        self._json = structlog.processors.JSONRenderer(default=_plain)
        self._console = structlog.dev.ConsoleRenderer(
            colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
        )
        self._style = style

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        fields = redact_fields(event)
        if self._style == "console":
            return redact_text(self._console(logger, method, fields))
        first = {name: fields.pop(name) for name in FIRST if name in fields}
        return redact_text(str(self._json(logger, method, first | fields)))


def _plain(value: Any) -> Any:
    """What stands in JSON for a value that has no JSON of its own."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
