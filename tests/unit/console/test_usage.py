"""A wrong command line is answered in one line that names the field, the value and the way out."""

import pytest
from typer.testing import CliRunner, Result

from services.console.cli.application import app


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin, env={"TIMEBALL_URL": "http://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("accounts add sandbox", "ACCOUNT: missing, it is required; see `timeball accounts add --help`"),
        ("schedule x", "--to: missing, it is required; see `timeball schedule --help`"),
        ("cancel p --revision -1", "--revision: Input should be greater than or equal to 0 (got '-1')"),
        (
            "schedule x --to a --attempts many",
            "--attempts: Input should be a valid integer, unable to parse string as an integer (got 'many')",
        ),
        ("tokens create ci --scope all", "--scope: 'all' is not one of 'read', 'write', 'admin'; see "),
        ("schedule x --to a --at noon", "--at: 'noon' is no time: write 2027-03-28T09:00+02:00, or "),
        ("schedule x --to a --in soon", "--in: 'soon' is no duration: write 90s, 5m, 1h30m or 2d"),
        ("schedule x --to a --at 2027-03-28T09:00 --zone Mars", "--zone: unknown time zone 'Mars': use an IANA name"),
        ("bulk cancel --from noon", "--from: 'noon' is no time: write "),
        ("bulk cancel --before noon", "--before: 'noon' is no time: write "),
        ("bulk move --account a --by far", "--by: 'far' is no duration: write "),
        ("bulk move --account a --to noon", "--to: 'noon' is no time: write "),
        ("bulk move --account a --to 2027-03-28T09:00Z --every often", "--every: 'often' is no duration: write "),
        ("accounts add sandbox a --setting url", "--setting: write name=value (got 'url')"),
        ("accounts add sandbox a --limit many", "--limit: write name=value (got 'many')"),
        (
            "import /nowhere",
            "FILE: '/nowhere' cannot be read (No such file or directory): name another, or - for stdin",
        ),
        ("import /", "FILE: '/' cannot be read (Is a directory): name another, or - for stdin"),
        ("import - --zone Mars", "--zone: unknown time zone 'Mars': use an IANA name"),
        ("import - --encoding klingon", "--encoding: "),
        ("watch --type nothing.happened", "--type: no event is called 'nothing.happened'"),
        ("watch --type", "Option '--type' requires an argument"),
        ("schedul", "No such command 'schedul'. Did you mean 'schedule'?; see `timeball --help`"),
        ("schedule x --tu a", "No such option: --tu (Possible options: --at, --to); see `timeball schedule --help`"),
    ],
)
def test_one_line_names_the_field_the_value_and_the_way_out(arguments: str, line: str) -> None:
    result = run(*arguments.split(" "), stdin="post_id\n")

    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert (result.stderr.count("\n"), result.stdout) == (1, "")


def test_without_a_command_the_help_is_shown() -> None:
    result = run("accounts")

    assert "Usage: timeball accounts" in result.stdout + result.stderr
    assert result.exit_code == 2


def test_what_is_not_confirmed_is_not_done() -> None:
    result = run("dead-letters", "drop", "publisher", "--all", stdin="n\n")

    assert (result.exit_code, result.stderr) == (1, "aborted: nothing was done\n")


def test_what_goes_well_ends_with_0_and_help_too() -> None:
    assert (run("--version").exit_code, run("schedule", "--help").exit_code) == (0, 0)
