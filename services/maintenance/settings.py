"""Maintenance's settings."""

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from shared.clocks.local_time import zone_named
from shared.database.purging import KEEP_FAILED, KEEP_SUCCEEDED
from shared.outbound.targets import NoTarget, check, urls_in
from shared.process.settings import HttpPort, ServiceSettings


class Settings(ServiceSettings):
    """TIMEBALL_MAINTENANCE_… beside what every service reads."""

    database_url: str | None = Field(default=None, validation_alias="TIMEBALL_MAINTENANCE_DATABASE_URL")
    http_port: HttpPort = Field(default=8084, validation_alias="TIMEBALL_MAINTENANCE_HTTP_PORT")
    notify_urls: str = Field(default="", repr=False)
    retention_days: float = Field(default=7, ge=1, le=3650)
    keep_succeeded: int = Field(default=KEEP_SUCCEEDED, ge=0)
    keep_failed: int = Field(default=KEEP_FAILED, ge=0)
    analytics_zone: str = "UTC"
    lateness_alert_ms: float = Field(default=2000, gt=0)
    failing_alert_posts: int = Field(default=3, ge=1)
    allow_private_addresses: bool = False

    @field_validator("notify_urls")
    @classmethod
    def _are_targets(cls, given: str) -> str:
        for position, url in enumerate(urls_in(given), start=1):
            try:
                check(url)
            except NoTarget as error:
                raise ValueError(f"target {position}: {error}") from None
        return given

    @field_validator("analytics_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        zone_named(name)
        return name

    @property
    def targets(self) -> list[str]:
        """The Apprise URLs that alerts go to."""
        return urls_in(self.notify_urls)

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose days are added up."""
        return zone_named(self.analytics_zone)
