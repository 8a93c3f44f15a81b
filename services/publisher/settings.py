"""The publisher's settings."""

from typing import Self

from pydantic import Field, model_validator

from shared.home import Home
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """TIMEBALL_PUBLISHER_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_PUBLISHER_DATABASE_URL")
    http_port: int = Field(default=8082, validation_alias="TIMEBALL_PUBLISHER_HTTP_PORT")
    sealing_key: str | None = Field(default=None, validation_alias="TIMEBALL_PUBLISHER_SEALING_KEY")
    prefetch: int = Field(default=5000, validation_alias="TIMEBALL_PUBLISHER_PREFETCH", ge=1, le=65535)
    send_timeout_seconds: float = Field(default=10, validation_alias="TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS", gt=0)
    prepare_timeout_seconds: float = Field(
        default=30, validation_alias="TIMEBALL_PUBLISHER_PREPARE_TIMEOUT_SECONDS", gt=0
    )
    lease_seconds: float = Field(default=30, validation_alias="TIMEBALL_PUBLISHER_LEASE_SECONDS", gt=0)
    secret_keys: str | None = None
    allow_private_addresses: bool = False

    @model_validator(mode="after")
    def _leases_outlive_sends(self) -> Self:
        if self.lease_seconds <= self.send_timeout_seconds:
            raise ValueError(
                "TIMEBALL_PUBLISHER_LEASE_SECONDS must be longer than TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS: "
                "a send that outlives its lease is taken for that of a dead publisher"
            )
        return self

    @property
    def encryption_keys(self) -> str:
        """The Fernet keys given, or the local mode's own."""
        return self.secret_keys or Home(self.home).secret_keys()

    @property
    def private_key(self) -> str:
        """The sealing key given, or the local mode's own."""
        return self.sealing_key or Home(self.home).sealing_key("publisher")
