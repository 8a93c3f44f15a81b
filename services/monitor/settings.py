"""The monitor's settings."""

from pydantic import Field, SecretStr, field_validator

from shared.connections.web_address import check_web_address
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

    @field_validator("reddit_server")
    @classmethod
    def _is_a_url(cls, given: str) -> str:
        if given and not given.startswith(("https://", "http://")):
            raise ValueError(f"it must be a URL such as {REDDIT} (got {given!r})")
        return check_web_address(given) if given else ""

    @property
    def encryption_keys(self) -> str:
        """The Fernet keys given, or the local mode's own."""
        return self.secret_keys or Home(self.home).secret_keys()

    @property
    def private_key(self) -> str:
        """The sealing key given, or the local mode's own."""
        return self.sealing_key or Home(self.home).sealing_key("monitor")
