"""Settings that cannot be used end the program with one line each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.console.settings import Settings as ConsoleSettings
from services.monitor.settings import Settings as MonitorSettings
from services.publisher.settings import Settings as PublisherSettings
from services.scheduler.settings import Settings
from shared.process.settings import ServiceSettings, load


@pytest.mark.parametrize(
    ("variable", "given"),
    [
        ("TIMEBALL_BROKER_URL", "amqp://u:s3cr#et@h:5672/"),
        ("TIMEBALL_BROKER_URL", "127.0.0.1:5672"),
        ("TIMEBALL_BROKER_URL", ""),
        ("TIMEBALL_SCHEDULER_DATABASE_URL", "mysql://u:s3cret@h/d"),
        ("TIMEBALL_SCHEDULER_DATABASE_URL", "postgresql://u:s3cr@et@h/d"),
        ("TIMEBALL_SCHEDULER_DATABASE_URL", "postgresql://u:s3cret@h:0/d"),
    ],
)
def test_a_bad_address_ends_the_program_with_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, given: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv(variable, given)

    with pytest.raises(SystemExit) as ended:
        load(Settings)

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(variable)
    assert said.count("\n") == 1
    assert "s3cr" not in said


@pytest.mark.parametrize("given", ["reddit.example", "https://", "https://reddit.example:99999", "http://h:0/"])
def test_a_server_that_nobody_can_call_ends_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_REDDIT_SERVER", given)

    with pytest.raises(SystemExit):
        load(MonitorSettings)

    said = capsys.readouterr().err
    assert said.startswith("TIMEBALL_REDDIT_SERVER: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        (PublisherSettings, "TIMEBALL_SECRET_KEYS"),
        (PublisherSettings, "TIMEBALL_PUBLISHER_SEALING_KEY"),
        (PublisherSettings, "TIMEBALL_CALLBACK_SECRET"),
        (MonitorSettings, "TIMEBALL_SECRET_KEYS"),
        (MonitorSettings, "TIMEBALL_MONITOR_SEALING_KEY"),
        (ConsoleSettings, "TIMEBALL_PUBLISHER_PUBLIC_KEY"),
        (ConsoleSettings, "TIMEBALL_MONITOR_SEALING_KEY"),
    ],
)
def test_a_key_that_is_none_ends_the_program_with_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    service: type[ServiceSettings],
    variable: str,
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv(variable, "s3cret")

    with pytest.raises(SystemExit) as ended:
        load(service)

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"{variable}: ")
    assert said.count("\n") == 1
    assert "s3cret" not in said


def test_a_key_that_is_left_blank_is_the_one_that_was_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("TIMEBALL_SECRET_KEYS", "TIMEBALL_PUBLISHER_SEALING_KEY"):
        monkeypatch.setenv(variable, " ")
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_HOME", str(tmp_path))

    settings = load(PublisherSettings)

    assert settings.encryption_keys == (tmp_path / "keys" / "secret_keys").read_text()
    assert settings.private_key == (tmp_path / "keys" / "publisher.sealing_key").read_text()


def test_an_address_is_understood_as_hosting_companies_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/ ")
    monkeypatch.setenv("TIMEBALL_SCHEDULER_DATABASE_URL", "postgres://u:p@h/d")

    settings = load(Settings)

    assert (settings.broker_url, settings.database_url) == ("amqp://h/", "postgresql+asyncpg://u:p@h/d")


def test_an_empty_database_url_means_the_file_under_timeball_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_SCHEDULER_DATABASE_URL", "")

    assert load(Settings).database_url is None


@pytest.mark.parametrize("variable", ["TIMEBALL_LOG_FORMAT", "TIMEBALL_SCHEDULER_CROWDED_MINUTE", "TIMEBALL_DELAY"])
def test_an_empty_variable_counts_as_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """As in a `.env` that lists what could be set."""
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    without_it = load(Settings)

    monkeypatch.setenv(variable, "")

    assert load(Settings) == without_it


@pytest.mark.parametrize(
    ("variable", "given", "said"),
    [
        ("TIMEBALL_LOG_LEVEL", "loud", "unknown log level 'loud': choose one of"),
        ("TIMEBALL_SCHEDULER_HTTP_PORT", "99999", "Input should be less than or equal to 65535 (got '99999')"),
        ("TIMEBALL_SCHEDULER_HTTP_PORT", "abc", "unable to parse string as an integer (got 'abc')"),
        ("TIMEBALL_DELAY", "weel", "Input should be 'wheel' or 'plugin' (got 'weel')"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_value_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, given: str, said: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv(variable, given)

    with pytest.raises(SystemExit) as ended:
        load(Settings)

    line = capsys.readouterr().err
    assert ended.value.code == 2
    assert line.startswith(f"{variable}: ")
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("given", ["foo", "http://[", "ftp://example.org"])
def test_an_address_that_no_browser_opens_ends_the_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_CONSOLE_PUBLIC_URL", given)

    with pytest.raises(SystemExit) as ended:
        load(ConsoleSettings)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("TIMEBALL_CONSOLE_PUBLIC_URL: ")


@pytest.mark.parametrize("given", ["proxy", "10.0.0.5/8", "10.0.0.5, 10.0.0.300", "*, 10.0.0.5"])
def test_a_proxy_that_nobody_could_be_ends_the_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_CONSOLE_TRUSTED_PROXIES", given)

    with pytest.raises(SystemExit) as ended:
        load(ConsoleSettings)

    assert ended.value.code == 2
    assert "is no address and no network: write 10.0.0.5 or 10.0.0.0/8" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["*", "127.0.0.1,10.0.0.0/8", "::1, fd00::/8", "10.0.0.5,"])
def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_CONSOLE_TRUSTED_PROXIES", given)

    assert load(ConsoleSettings).trusted_proxies == given


def test_an_address_of_the_console_that_is_left_blank_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_CONSOLE_PUBLIC_URL", " ")

    assert load(ConsoleSettings).console_public_url is None


@pytest.mark.parametrize("given", [" token ", "token\r", "token\n"])
def test_a_token_is_the_one_that_clients_send(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_API_TOKEN", given)

    assert load(ConsoleSettings).token == "token"


def test_a_token_that_is_left_blank_is_the_one_that_was_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_HOME", str(tmp_path))
    monkeypatch.setenv("TIMEBALL_API_TOKEN", " ")

    token = load(ConsoleSettings).token

    assert token == (tmp_path / "keys" / "api_token").read_text().strip()


@pytest.mark.parametrize("given", ["tökén", "“token”", "to\nken"])
def test_a_token_that_no_client_can_send_ends_the_console(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://h/")
    monkeypatch.setenv("TIMEBALL_API_TOKEN", given)

    with pytest.raises(SystemExit) as ended:
        load(ConsoleSettings)

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said == "TIMEBALL_API_TOKEN: no client could send it: use letters, digits and signs of ASCII only\n"


def test_a_folder_that_cannot_be_used_ends_the_program_with_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "a file"
    taken.touch()
    environment = os.environ | {"TIMEBALL_BROKER_URL": "amqp://127.0.0.1:1/", "TIMEBALL_HOME": str(taken)}

    ended = subprocess.run(
        [sys.executable, "-m", "services.scheduler"], env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("TIMEBALL_HOME: name a folder that can be written to")
    assert ended.stderr.count("\n") == 1
