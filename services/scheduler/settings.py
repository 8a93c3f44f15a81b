"""The scheduler's settings."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.scheduler.near_posts import CROWDED_MINUTE
from services.scheduler.timers.settings import timers_in
from services.scheduler.timers.timer import Timer
from shared.process.settings import HttpPort, ServiceSettings

Timers = Annotated[tuple[Timer, ...], NoDecode, BeforeValidator(timers_in)]


class Settings(ServiceSettings):
    """TIMEBALL_SCHEDULER_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_SCHEDULER_DATABASE_URL")
    http_port: HttpPort = Field(default=8081, validation_alias="TIMEBALL_SCHEDULER_HTTP_PORT")
    timers: Timers = Field(
        default_factory=lambda: timers_in(""), validate_default=False, validation_alias="TIMEBALL_TIMERS"
    )
    crowded_minute: int = Field(
        default=CROWDED_MINUTE, validation_alias="TIMEBALL_SCHEDULER_CROWDED_MINUTE", ge=1, le=1_000_000
    )
