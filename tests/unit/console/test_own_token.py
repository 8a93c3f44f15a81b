"""The administrator's token of this machine goes to this machine's own console and nowhere else."""

from pathlib import Path

import pytest

from services.console.cli.client import Address


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "api_token").write_text("own-token\n")
    monkeypatch.setenv("TIMEBALL_HOME", str(tmp_path))
    monkeypatch.delenv("TIMEBALL_URL", raising=False)
    monkeypatch.delenv("TIMEBALL_API_TOKEN", raising=False)
    return tmp_path


def test_the_own_console_gets_the_token_of_this_machine(home: Path) -> None:
    assert Address.known() == Address("http://127.0.0.1:8080", "own-token")

    (home / "console.url").write_text("http://127.0.0.1:18080\n")

    assert Address.known() == Address("http://127.0.0.1:18080", "own-token")


@pytest.mark.parametrize("url", ["http://localhost:18080", "http://127.0.0.1:18080/", "http://[::1]:18080"])
def test_the_own_console_is_known_by_its_other_names(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    (home / "console.url").write_text("http://127.0.0.1:18080")
    monkeypatch.setenv("TIMEBALL_URL", url)

    assert Address.known().token == "own-token"


@pytest.mark.parametrize(
    "url",
    [
        "https://timeball.example.org",
        "http://127.0.0.1:9000",
        "https://127.0.0.1:18080",
        "http://127.0.0.1:18080@evil.example",
        "http://127.0.0.1.evil.example:18080",
        "http://[nonsense",
        "nonsense",
    ],
)
def test_another_console_never_gets_the_token_of_this_machine(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    (home / "console.url").write_text("http://127.0.0.1:18080")
    monkeypatch.setenv("TIMEBALL_URL", url)

    assert Address.known().token == ""


def test_a_token_that_is_given_goes_where_it_is_meant_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBALL_URL", "https://timeball.example.org")
    monkeypatch.setenv("TIMEBALL_API_TOKEN", "given")

    assert Address.known() == Address("https://timeball.example.org", "given")
