"""docs/settings.md has every variable that a service reads, and none that nobody reads."""

import re
from collections.abc import Iterator
from pathlib import Path

import services.console.settings
import services.maintenance.settings
import services.monitor.settings
import services.publisher.settings
import services.scheduler.settings
from shared.process.settings import ServiceSettings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
SERVICES: dict[str, type[ServiceSettings]] = {
    "SCHEDULER": services.scheduler.settings.Settings,
    "PUBLISHER": services.publisher.settings.Settings,
    "MONITOR": services.monitor.settings.Settings,
    "MAINTENANCE": services.maintenance.settings.Settings,
    "CONSOLE": services.console.settings.Settings,
}
OF_THE_COMMAND_LINE = {"TIMEBALL_URL"}


def read_by_services() -> Iterator[str]:
    for settings in SERVICES.values():
        for name, field in settings.model_fields.items():
            yield str(field.validation_alias or f"TIMEBALL_{name.upper()}")


def on_the_page() -> Iterator[str]:
    for variable in re.findall(r"TIMEBALL_[A-Z_<>]*[A-Z>]", PAGE.read_text()):
        if "<SERVICE>" in variable:
            yield from (variable.replace("<SERVICE>", service) for service in SERVICES)
        else:
            yield variable


def test_every_variable_is_on_the_page_and_nothing_else() -> None:
    assert set(on_the_page()) == set(read_by_services()) | OF_THE_COMMAND_LINE
