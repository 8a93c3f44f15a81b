"""Where the programs of `timeball up` are to be found, as the settings have it."""

import pytest

from deploy.local.programs import NoPort, by_name, places

SETTING = "TIMEBALL_SCHEDULER_HTTP_PORT"


def test_a_program_whose_port_is_any_that_is_free_has_one_where_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "0")

    scheduler = by_name(places())["scheduler"]

    assert scheduler.port > 0
    assert not scheduler.is_moved


@pytest.mark.parametrize("given", ["http", "65536", "-1", "80 80", "٣"])
def test_what_is_no_port_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(SETTING, given)

    with pytest.raises(NoPort, match=f"^{SETTING}: '{given}' is no port: give a number up to 65535, 0 for any"):
        places()


def test_a_setting_that_is_left_blank_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, " ")

    assert by_name(places())["scheduler"].wanted == 8081
