"""The console's settings."""

from ipaddress import ip_network
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import BeforeValidator, Field, field_validator

from shared.events.base import NewWebUrl
from shared.process.home import Home
from shared.process.settings import HttpPort, ServiceSettings
from shared.secrets.sealing import SealingKey

PageAddress = Annotated[NewWebUrl | None, BeforeValidator(lambda given: (given or "").strip() or None)]
"""Where people find a page in their browsers; one left blank is none."""


class Settings(ServiceSettings):
    """TIMEBALL_CONSOLE_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_CONSOLE_DATABASE_URL")
    http_port: HttpPort = Field(default=8080, validation_alias="TIMEBALL_CONSOLE_HTTP_PORT")
    console_http_host: str | None = None
    trusted_proxies: str = Field(default="127.0.0.1", validation_alias="TIMEBALL_CONSOLE_TRUSTED_PROXIES")
    audit_days: int = Field(default=365, ge=0, validation_alias="TIMEBALL_CONSOLE_AUDIT_DAYS")
    console_public_url: PageAddress = None
    allow_private_addresses: bool = False
    console_broker_ui: PageAddress = None
    api_token: str | None = None
    publisher_public_key: str | None = None
    publisher_sealing_key: str | None = None
    monitor_public_key: str | None = None
    monitor_sealing_key: str | None = None

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, given: str) -> str:
        """What is neither would be passed over: everybody would seem to come from the proxy."""
        for one in filter(None, map(str.strip, given.split(","))):
            try:
                _ = given.strip() == "*" or ip_network(one)
            except ValueError:
                way_out = "write 10.0.0.5 or 10.0.0.0/8, several separated by commas, or * alone"
                raise ValueError(f"{one!r} is no address and no network: {way_out}") from None
        return given.strip() or "127.0.0.1"

    @field_validator("api_token")
    @classmethod
    def _can_be_sent(cls, given: str | None) -> str | None:
        """The token as clients send it, without what surrounds it; none where it is blank."""
        token = (given or "").strip()
        if not (token.isascii() and token.isprintable()):
            raise ValueError("no client could send it: use letters, digits and signs of ASCII only")
        return token or None

    @property
    def http_address(self) -> tuple[str, int]:
        """Where the console listens: its own address, or that of all services."""
        return self.console_http_host or self.http_host, self.http_port

    @property
    def token(self) -> str:
        """The admin token: the one given, or the one made once under TIMEBALL_HOME."""
        return self.api_token or Home(self.home).api_token()

    @property
    def broker_queues(self) -> str | None:
        """Where RabbitMQ's management UI shows queues of this virtual host, where that is configured."""
        if not self.console_broker_ui:
            return None
        virtual_host = urlsplit(self.broker_url).path[1:] or "/"
        return f"{self.console_broker_ui.rstrip('/')}/#/queues/{quote(unquote(virtual_host), safe='')}/"

    @property
    def public_keys(self) -> dict[str, str]:
        """What to seal with, by the service that can open it."""
        return {
            "publisher": self._public_key("publisher", self.publisher_public_key, self.publisher_sealing_key),
            "monitor": self._public_key("monitor", self.monitor_public_key, self.monitor_sealing_key),
        }

    def _public_key(self, service: str, public_key: str | None, sealing_key: str | None) -> str:
        if public_key:
            return public_key
        if sealing_key:
            return SealingKey.from_base64(sealing_key).public_key
        return Home(self.home).public_key(service)
