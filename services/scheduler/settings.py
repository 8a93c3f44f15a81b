"""The scheduler's settings."""

from pydantic import Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """TIMEBALL_SCHEDULER_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_SCHEDULER_DATABASE_URL")
    http_port: int = Field(default=8081, validation_alias="TIMEBALL_SCHEDULER_HTTP_PORT")
