"""The monitor's settings."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.process.home import Home
from shared.process.settings import HttpPort, ServiceSettings

REDDIT = "https://www.reddit.com"


class Settings(ServiceSettings):
    """TIMEBALL_MONITOR_… and TIMEBALL_REDDIT_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_MONITOR_DATABASE_URL")
    http_port: HttpPort = Field(default=8083, validation_alias="TIMEBALL_MONITOR_HTTP_PORT")
    sealing_key: str | None = Field(default=None, validation_alias="TIMEBALL_MONITOR_SEALING_KEY")
    reddit_server: str = ""
    reddit_client_id: str = ""
    reddit_client_secret: SecretStr = SecretStr("")
    secret_keys: str | None = None
    allow_private_addresses: bool = False

    @model_validator(mode="after")
    def _server_is_a_url(self) -> Self:
        if self.reddit_server and not self.reddit_server.startswith(("https://", "http://")):
            raise ValueError(f"TIMEBALL_REDDIT_SERVER must be a URL such as {REDDIT} (got {self.reddit_server!r})")
        return self

    @property
    def encryption_keys(self) -> str:
        """The Fernet keys given, or the local mode's own."""
        return self.secret_keys or Home(self.home).secret_keys()

    @property
    def private_key(self) -> str:
        """The sealing key given, or the local mode's own."""
        return self.sealing_key or Home(self.home).sealing_key("monitor")
