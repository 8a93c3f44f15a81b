"""The publisher's settings."""

from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from services.publisher.platforms.webhook.signature import signing_key
from shared.process.home import Home
from shared.process.settings import HttpPort, ServiceSettings


class Settings(ServiceSettings):
    """TIMEBALL_PUBLISHER_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_PUBLISHER_DATABASE_URL")
    http_port: HttpPort = Field(default=8082, validation_alias="TIMEBALL_PUBLISHER_HTTP_PORT")
    sealing_key: str | None = Field(default=None, validation_alias="TIMEBALL_PUBLISHER_SEALING_KEY")
    prefetch: int = Field(default=5000, validation_alias="TIMEBALL_PUBLISHER_PREFETCH", ge=1, le=65535)
    send_timeout_seconds: float = Field(default=10, validation_alias="TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS", gt=0)
    prepare_timeout_seconds: float = Field(
        default=30, validation_alias="TIMEBALL_PUBLISHER_PREPARE_TIMEOUT_SECONDS", gt=0
    )
    lease_seconds: float = Field(default=30, validation_alias="TIMEBALL_PUBLISHER_LEASE_SECONDS", gt=0)
    secret_keys: str | None = None
    callback_secret: str | None = None
    allow_private_addresses: bool = False

    @field_validator("callback_secret")
    @classmethod
    def _can_sign(cls, given: str | None) -> str | None:
        if given:
            _signing_keys(given)
        return given

    @model_validator(mode="after")
    def _leases_outlive_sends(self) -> Self:
        if self.lease_seconds <= self.send_timeout_seconds:
            raise ValueError(
                "TIMEBALL_PUBLISHER_LEASE_SECONDS must be longer than TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS: "
                "a send that outlives its lease is taken for that of a dead publisher"
            )
        return self

    @property
    def send_timeout(self) -> timedelta:
        """How long one send may take, unless it carries pictures."""
        return timedelta(seconds=self.send_timeout_seconds)

    @property
    def encryption_keys(self) -> str:
        """The Fernet keys given, or the local mode's own."""
        return self.secret_keys or Home(self.home).secret_keys()

    @property
    def callback_keys(self) -> list[bytes]:
        """What callbacks are signed with: the secrets given (a list with commas, while rotating), or our own."""
        return _signing_keys(self.callback_secret or Home(self.home).callback_secret())

    @property
    def private_key(self) -> str:
        """The sealing key given, or the local mode's own."""
        return self.sealing_key or Home(self.home).sealing_key("publisher")


def _signing_keys(secrets: str) -> list[bytes]:
    return [signing_key(secret.strip()) for secret in secrets.split(",")]
