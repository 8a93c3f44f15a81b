"""What every service reads from its environment; a service's own settings extend this."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.connections.broker_address import broker_address
from shared.connections.database_address import database_address
from shared.events.explaining import what_is_right
from shared.process.home import Home
from shared.process.logs import threshold_of
from shared.secrets.redaction import is_secret_name
from shared.secrets.sealing import SealingKey, require_public_key
from shared.secrets.vault import Vault

NO_BROKER = (
    "TIMEBALL_BROKER_URL is not set: name a RabbitMQ broker (amqp://user:password@host:5672/), "
    "or run `timeball up`, which starts a private one"
)


HttpPort = Annotated[int, Field(ge=0, le=65535)]
"""Where a service answers over HTTP; 0 is any port that is free."""


class ServiceSettings(BaseSettings):
    """Frozen settings, `TIMEBALL_…` in the environment; an empty variable counts as one that is not there."""

    model_config = SettingsConfigDict(
        env_prefix="TIMEBALL_", env_ignore_empty=True, frozen=True, extra="ignore", populate_by_name=True
    )

    home: Path = Path("var")
    broker_url: str = ""
    delay: Literal["wheel", "plugin"] = "wheel"
    log_format: Literal["console", "json"] | None = None
    log_level: str = "info"
    http_host: str = "127.0.0.1"
    http_port: HttpPort = 0
    database_url: str | None = None

    @field_validator("log_level")
    @classmethod
    def _is_a_level(cls, given: str) -> str:
        threshold_of(given)
        return given

    @field_validator("broker_url")
    @classmethod
    def _is_a_broker(cls, given: str) -> str:
        return broker_address(given) if given.strip() else ""

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, given: str | None) -> str | None:
        return database_address(given) if given and given.strip() else None

    @field_validator("secret_keys", check_fields=False)
    @classmethod
    def _can_encrypt(cls, given: str | None) -> str | None:
        return _one_of_a_kind(given, Vault.from_keys)

    @field_validator("sealing_key", "publisher_sealing_key", "monitor_sealing_key", check_fields=False)
    @classmethod
    def _can_open(cls, given: str | None) -> str | None:
        return _one_of_a_kind(given, SealingKey.from_base64)

    @field_validator("publisher_public_key", "monitor_public_key", check_fields=False)
    @classmethod
    def _can_seal(cls, given: str | None) -> str | None:
        return _one_of_a_kind(given, require_public_key)

    @model_validator(mode="after")
    def _has_a_broker(self) -> Self:
        if not self.broker_url:
            raise ValueError(NO_BROKER)
        return self

    @property
    def http_address(self) -> tuple[str, int]:
        """Where the service answers over HTTP."""
        return self.http_host, self.http_port

    def database(self, service: str) -> str:
        """The service's database: the one given, or its SQLite file under TIMEBALL_HOME."""
        return self.database_url or Home(self.home).database_url(service)


def _one_of_a_kind(given: str | None, read: Callable[[str], object]) -> str | None:
    """The key as it was given, once it could be read; none where it is blank. ValueError says what it should be."""
    if not (given and given.strip()):
        return None
    read(given)
    return given


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def load(settings_class: type[SettingsT]) -> SettingsT:
    """Read the environment, or end the program saying which variable is wrong and why."""
    try:
        return settings_class()
    except ValidationError as error:
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"])).upper().removeprefix("TIMEBALL_")
            print(f"{f'TIMEBALL_{name}: ' if name else ''}{what_is_right(detail)}{_given(detail)}", file=sys.stderr)
        sys.exit(2)


def _given(detail: Any) -> str:
    """The value, where it can hold no secret and the message does not say it already."""
    is_shown = detail["type"] != "value_error" and not any(map(is_secret_name, detail["loc"]))
    return f" (got {detail['input']!r})" if is_shown else ""
