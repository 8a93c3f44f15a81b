"""The command line says what happened, in words or in JSON, and ends with the code that a script needs."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.console.cli.application import app
from services.console.cli.calling import called
from services.console.cli.client import Client
from services.console.cli.local_times import own_zone
from shared.secrets.sealing import SealingKey, seal
from tests.support.fork_server import ROOT
from tests.unit.console.fake_api import FakeApi, fake_api

COMMAND = [sys.executable, "-c", "from services.console.cli import main; main()"]

ACCEPTED = {
    "post_id": "p",
    "account_id": "a",
    "revision": 1,
    "publish_at": "2027-03-28T07:00:00Z",
    "changed": True,
    "warning": None,
}
SCHEDULED = {"post_id": "p", "correlation_id": "c", "accepted": [ACCEPTED], "rejected": [], "pending": False}
SETTLED: dict[str, Any] = {
    "batch_id": "i", "correlation_id": "c", "accepted": [], "rejected": [], "waiting": [], "pending": False,
}  # fmt: skip
REJECTED = {"post_id": "p", "account_id": "b", "code": "in_the_past", "reason": "an hour ago"}
CONNECTED = {"account_id": "a", "platform": "mastodon", "connected": True, "pending": False}


def run(*arguments: str, url: str = "http://127.0.0.1:1", stdin: str | bytes | None = None, **more: str) -> Result:
    environment = {"TIMEBALL_URL": url, "TIMEBALL_API_TOKEN": "token", "TIMEBALL_HOME": "/nowhere"} | more
    return CliRunner().invoke(app, list(arguments), env=environment, input=stdin)


def answered(
    answers: Mapping[str, tuple[int, Any]], *arguments: str, stdin: str | bytes | None = None
) -> tuple[Result, FakeApi]:
    with fake_api(answers) as api:
        return run(*arguments, url=api.url, stdin=stdin), api


def complaint(result: Result) -> str:
    """The line that says what is wrong with a command line."""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8080", "console", "http://x:99999", "http://x:0"])
def test_an_address_that_no_console_can_have_is_named_with_the_way_out(url: str) -> None:
    result = run("status", url=url)

    assert result.exit_code == 2
    assert f"TIMEBALL_URL: write http://HOST:PORT, such as http://127.0.0.1:8080 (got {url!r})" in complaint(result)


@pytest.mark.parametrize("token", ["a\nb", "“token”"])
def test_a_token_that_no_header_can_carry_is_not_taken_for_a_console_that_is_away(token: str) -> None:
    result = run("status", TIMEBALL_API_TOKEN=token)

    assert result.exit_code == 2
    assert "TIMEBALL_API_TOKEN: it has characters that no token has" in complaint(result)
    assert token not in result.stderr


@pytest.mark.parametrize("answer", [(404, {"detail": "Not Found"}), (404, b"<html>"), (200, ["a"]), (200, b"hello")])
def test_another_program_at_the_address_is_no_console(answer: tuple[int, Any]) -> None:
    result, api = answered({"GET /v1/stats": answer, "GET /v1/posts": answer}, "status")

    assert result.exit_code == 1
    assert f"is not a Timeball console: {answer[0]}; set TIMEBALL_URL to where it is" in " ".join(result.stderr.split())
    assert api.url in result.stderr


@pytest.mark.parametrize("command", [("up",), ("keys",)], ids=["up", "keys"])
def test_a_folder_that_cannot_be_used_is_named_with_the_way_out(tmp_path: Path, command: tuple[str, ...]) -> None:
    taken = tmp_path / "a file"
    taken.touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TIMEBALL_")}

    ended = subprocess.run(
        [*COMMAND, *command],
        env=environment | {"TIMEBALL_HOME": str(taken)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("TIMEBALL_HOME: name a folder that can be written to")
    assert "Traceback" not in ended.stderr


def test_accounts_are_separated_by_commas_as_in_a_file() -> None:
    _, api = answered({"POST /v1/posts": (202, SCHEDULED)}, "schedule", "x", "--to", "a, b", "--to", "c")

    (_, body), *_ = api.requests
    assert [target["account_id"] for target in body["targets"]] == ["a", "b", "c"]


def test_a_limit_that_there_is_not_is_refused() -> None:
    result, api = answered({}, "accounts", "add", "sandbox", "a", "--setting", "url=http://x", "--limit", "per_hour=5")

    assert result.exit_code == 2
    assert "--limit: 'per_hour' is no limit: write per_second=, per_minute=, per_day=" in complaint(result)
    assert api.requests == []


def test_schedule_sends_the_request_and_tells_what_was_accepted() -> None:
    result, api = answered(
        {"POST /v1/posts": (202, SCHEDULED)},
        *("schedule", "-", "--to", "a", "--at", "2027-03-28 09:00", "--zone", "Europe/Berlin", "--id", "p"),
        *("--media", "https://x.example/1.png"),
        stdin="Hello\n",
    )

    assert result.exit_code == 0
    assert "p scheduled on a" in result.stdout
    assert api.authorizations == ["Bearer token"]
    assert api.requests[0][1] == {
        "post_id": "p",
        "content": "Hello",
        "targets": [{"account_id": "a"}],
        "media": [{"url": "https://x.example/1.png"}],
        "publish_at": {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"},
    }


@pytest.mark.parametrize(
    ("stdin", "content"),
    [(b"gr\xc3\xbcn\r\nund\r\n", "gr\u00fcn\nund"), (b"\xef\xbb\xbfHello\n", "Hello")],
    ids=["line ends of Windows", "a byte order mark"],
)
def test_the_text_of_a_post_is_read_from_stdin_as_utf_8(stdin: bytes, content: str) -> None:
    _, api = answered({"POST /v1/posts": (202, SCHEDULED)}, "schedule", "-", "--to", "a", stdin=stdin)

    assert api.requests[0][1]["content"] == content


@pytest.mark.parametrize(("text", "stdin"), [("-", b"gr\xfcn"), ("gr\udcfcn", None)], ids=["stdin", "argument"])
def test_a_text_that_is_no_utf_8_is_refused_with_the_way_out(text: str, stdin: bytes | None) -> None:
    result, api = answered({}, "schedule", text, "--to", "a", stdin=stdin)

    assert result.exit_code == 2
    assert "is no UTF-8; convert it" in complaint(result)
    assert api.requests == []


def test_a_refused_token_is_answered_with_where_the_right_one_is() -> None:
    refused, api = answered({"GET /v1/timers": (401, {"code": "unauthorized", "detail": "no"})}, "timers", "list")

    said = " ".join(refused.stderr.split())
    assert refused.exit_code == 1
    assert f"of the console at {api.url}: the one in keys/api_token under its TIMEBALL_HOME" in said


UNSAID = (503, {"code": "broker_unavailable", "detail": "it may not have been heard"})


def test_what_may_be_scheduled_is_asked_again_under_its_own_id() -> None:
    """The id is made up for each command: the same words again would be another post."""
    result, api = answered({"POST /v1/posts": UNSAID}, "schedule", "Hello", "--to", "a")

    post_id = api.requests[0][1]["post_id"]
    assert result.exit_code == 1
    assert f"look with `timeball status {post_id}`, ask again with --id {post_id}" in " ".join(result.stderr.split())


@pytest.mark.parametrize("refusal", [(400, {"code": "in_the_past", "detail": "choose a time to come"}), None])
def test_what_was_surely_not_scheduled_is_not_looked_for(refusal: tuple[int, Any] | None) -> None:
    arguments = ("schedule", "Hello", "--to", "a")
    result = answered({"POST /v1/posts": refusal}, *arguments)[0] if refusal else run(*arguments)

    assert result.exit_code == (1 if refusal else 3)
    assert "--id" not in result.stderr


@pytest.mark.parametrize(
    ("warning", "told"),
    [
        (None, []),
        ("unknown_account", ["a is not connected: `timeball accounts add PLATFORM a`"]),
        (
            "unknown_account, duplicate_text, crowded_minute",
            [
                "a is not connected: `timeball accounts add PLATFORM a`",
                "the same text is on a already, within 24 hours of it",
                "many posts are due on a in that minute",
            ],
        ),
        ("made_up_later", ["made_up_later"]),
    ],
)
def test_schedule_tells_every_warning_in_words(warning: str | None, told: list[str]) -> None:
    scheduled = SCHEDULED | {"accepted": [ACCEPTED | {"warning": warning}]}

    result, _ = answered({"POST /v1/posts": (202, scheduled)}, "schedule", "Hello", "--to", "a")

    assert result.exit_code == 0
    assert [line.strip() for line in result.stdout.splitlines()[1:]] == told


def test_json_is_what_the_console_answered() -> None:
    result, _ = answered({"POST /v1/posts": (202, SCHEDULED)}, "schedule", "Hello", "--to", "a", "--json")

    assert json.loads(result.stdout) == SCHEDULED


def test_a_partial_rejection_is_told_and_ends_with_1() -> None:
    answer = SCHEDULED | {"rejected": [REJECTED]}

    result, _ = answered({"POST /v1/posts": (202, answer)}, "schedule", "Hello", "--to", "a", "--to", "b")

    assert result.exit_code == 1
    assert "scheduled on a" in result.stdout
    assert "p on b: an hour ago" in result.stderr


def test_a_refusal_is_told_and_ends_with_1() -> None:
    refusal = {"code": "in_the_past", "detail": "an hour ago"}

    result, _ = answered({"POST /v1/posts": (400, refusal)}, "schedule", "Hello", "--to", "a")

    assert (result.exit_code, result.stderr) == (1, "an hour ago\n")


def test_a_wrong_token_says_where_the_right_one_is() -> None:
    refusal = {"code": "unauthorized", "detail": "wrong token"}

    result, _ = answered({"GET /v1/stats": (401, refusal), "GET /v1/posts": (401, refusal)}, "status")

    assert result.exit_code == 1
    assert "TIMEBALL_API_TOKEN" in result.stderr


def test_something_else_at_the_address_is_named_as_such() -> None:
    result, _ = answered({"GET /v1/accounts": (200, b"<html>")}, "accounts", "list")

    assert result.exit_code == 1
    assert "not a Timeball console" in result.stderr


@pytest.mark.parametrize("command", [["status"], ["watch"], ["cancel", "p"], ["accounts", "list"], ["demo"]])
def test_no_console_ends_with_3_and_says_how_to_start_one(command: list[str]) -> None:
    if command == ["demo"]:
        with fake_api({"GET /": (200, {})}) as sandbox:
            result = run("demo", "--sandbox", sandbox.url)
    else:
        result = run(*command)

    assert result.exit_code == 3
    assert "timeball up" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["schedule", "Hello"],
        ["schedule", "Hello", "--to", "a", "--at", "tomorrow"],
        ["import", "/nowhere/posts.jsonl"],
        ["accounts", "add", "sandbox", "a", "--setting", "url"],
        ["accounts", "add", "mastodon", "a", "--no-sign-in"],
        ["accounts", "add", "x", "a"],
        ["dance"],
    ],
)
def test_what_cannot_be_meant_ends_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_sign_in_that_asks_for_nothing_needs_no_terminal() -> None:
    result = run("accounts", "add", "mastodon", "a", "--no-browser", stdin="")

    assert result.exit_code == 3  # it went on to ask the console, which is not there
    assert "access_token" not in result.stderr


def test_cancel_names_each_account() -> None:
    cancelled = [{"account_id": "a", "revision": 2, "reason": "requested"}]
    answer = {"post_id": "p/1", "correlation_id": "c", "cancelled": cancelled, "rejected": [], "pending": False}

    result, api = answered({"DELETE /v1/posts/p%2F1": (202, answer)}, "cancel", "p/1", "--account", "a")

    assert result.exit_code == 0
    assert "p/1 cancelled on a" in result.stdout
    assert api.requests[0][0].endswith("?account_id=a")


def test_what_is_not_answered_yet_is_not_said_to_be_done() -> None:
    cancelled = {"post_id": "p", "correlation_id": "c", "cancelled": [], "rejected": [], "pending": True}
    scheduled = SCHEDULED | {"accepted": [], "pending": True}

    cancel, _ = answered({"DELETE /v1/posts/p": (202, cancelled)}, "cancel", "p")
    edit, _ = answered({"POST /v1/posts": (202, scheduled)}, "schedule", "New.", "--to", "a", "--id", "p")

    assert cancel.stdout == "whether p could still be cancelled is not known yet; `timeball status p` tells\n"
    assert edit.stdout == "not all of p is answered yet; `timeball status p` tells what became of it\n"
    assert (cancel.exit_code, edit.exit_code) == (5, 5)


@pytest.mark.parametrize(
    ("asked", "answer", "command"),
    [
        ("PUT /v1/accounts/a", CONNECTED, ["accounts", "add", "sandbox", "a"]),
        ("DELETE /v1/accounts/a", CONNECTED, ["accounts", "remove", "a"]),
        ("DELETE /v1/workspaces/a", {"workspace_id": "a"}, ["workspaces", "remove", "a"]),
    ],
)
@pytest.mark.parametrize(("is_pending", "code"), [(True, 5), (False, 0)])
def test_what_is_asked_for_and_not_answered_yet_ends_with_5(
    asked: str, answer: dict[str, Any], command: list[str], *, is_pending: bool, code: int
) -> None:
    result, _ = answered({asked: (202, answer | {"pending": is_pending})}, *command)

    assert result.exit_code == code, result.output


@pytest.mark.parametrize("address", ["http://[::1", "http://x:y", "nonsense", "http://\x01"])
def test_a_sandbox_that_is_no_address_is_told_in_one_line(address: str) -> None:
    result = run("demo", "--sandbox", address)

    assert result.exit_code == 1
    assert "no sandbox platform at" in complaint(result)


def test_who_does_not_wait_for_the_answer_is_told_how_to_ask_for_the_same_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the id that was made up, asking again would make another post."""
    monkeypatch.setenv("TIMEBALL_URL", "http://127.0.0.1:1")

    async def interrupted(_: Client) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        called(interrupted, in_doubt="ask again with --id post-1")

    assert capsys.readouterr().err == "ask again with --id post-1\n"


@pytest.mark.parametrize(
    "command",
    [
        ["status", "\udcff"],
        ["schedule", "Hi", "--to", "a\udcff"],
        ["schedule", "Hi", "--to", "a", "--id=\udcff"],
        ["audit", "--who", "\udcff"],
        ["import", "/nowhere/\udcff.csv"],
    ],
)
def test_what_is_no_utf_8_is_refused_in_one_line(command: list[str]) -> None:
    result = run(*command)

    assert result.exit_code == 2
    assert "is no UTF-8" in complaint(result)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_number_that_json_has_not_is_left_to_the_console_to_refuse(value: str) -> None:
    refusal = {"code": "invalid", "detail": "the body is not JSON"}

    result, _ = answered({"PUT /v1/accounts/a": (400, refusal)}, "accounts", "add", "sandbox", "a", "--limit",
                         f"per_day={value}")  # fmt: skip

    assert (result.exit_code, complaint(result)) == (1, "the body is not JSON\n")


def program(*arguments: str, stdout: Any = subprocess.PIPE, closed: bool = False, **environment: str) -> Any:
    """The command as a process, over a console that knows one timer with a name in Japanese."""
    timer = {"name": "毎日🎉", "cron": "0 9 * * *", "zone": "UTC", "next_at": None, "last_tick_at": None}
    known = {"timers": [timer | {"last_was_manual": None, "last_missed": None}]}
    with fake_api({"GET /v1/timers": (200, known)}) as api:
        more = {"TIMEBALL_URL": api.url, "TIMEBALL_API_TOKEN": "token"} | environment
        command = shlex.join([*COMMAND, *arguments]) + (" >&-" if closed else "")
        return subprocess.run(
            command, shell=True, env=os.environ | more, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=60
        )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_knows_few_letters_is_told_all_the_same(encoding: str) -> None:
    words, lines = (program("timers", "list", *more, PYTHONIOENCODING=encoding) for more in ([], ["--json"]))

    assert (words.returncode, words.stderr, b"0 9 * * *" in words.stdout) == (0, b"", True)
    assert (lines.returncode, lines.stderr) == (0, b"")
    assert json.loads(lines.stdout.decode(encoding))[0]["name"] == "毎日🎉"


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_where_nothing_can_be_written_the_command_says_so_in_one_line(more: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        on_a_full_disk = program("timers", "list", *more, stdout=full)
    to_nobody = program("timers", "list", *more, closed=True)

    assert on_a_full_disk.returncode == 1
    assert on_a_full_disk.stderr.startswith(b"the answer cannot be written (No space left on device)")
    assert on_a_full_disk.stderr.count(b"\n") == 1
    assert (to_nobody.returncode, to_nobody.stderr) == (0, b"")


def test_what_others_write_moves_no_cursor() -> None:
    """A title on Reddit may hold whatever a terminal obeys."""
    at = "2027-03-28T12:00:00Z"
    found = {
        "workspace_id": "team",
        "subreddit": "x",
        "title": "\x1b]0;renamed\x07 \x9b2J 🎉",
        "url": "https://x",
        "created_at": at,
    }
    told = {"type": "alert.raised", "correlation_id": "c", "data": {"severity": "warning", "message": "\x1b[2Jgone"}}
    stream = f": listening\n\ndata: {json.dumps(told)}\n\n".encode()

    table, _ = answered({"GET /v1/mentions": (200, {"mentions": [found], "next": None})}, "workspaces", "mentions")
    line, _ = answered({"GET /v1/events": (200, stream)}, "watch")
    refused, _ = answered({"GET /v1/posts/p": (404, {"code": "not_found", "detail": "\x1b[2J"})}, "status", "p")

    assert "\N{REPLACEMENT CHARACTER}]0;renamed" in table.output
    assert "🎉" in table.output
    assert not {"\x1b", "\x07", "\x9b"} & {*table.output, *line.output, *refused.output}


def test_an_edit_that_came_too_late_is_told_and_ends_with_1() -> None:
    error = {"code": "already_published", "detail": "it is out", "rejected": [REJECTED]}

    result, _ = answered({"DELETE /v1/posts/p": (409, error)}, "cancel", "p")

    assert (result.exit_code, "it is out" in result.stderr) == (1, True)


def test_how_often_to_try_may_be_said() -> None:
    result, api = answered({"POST /v1/posts": (202, SCHEDULED)}, "schedule", "Hello", "--to", "a", "--attempts", "5")

    assert result.exit_code == 0
    assert api.requests[0][1]["retry"] == {"attempts": 5}


def test_status_says_of_a_post_that_an_attempt_may_have_landed() -> None:
    post = ACCEPTED | {"state": "retrying", "attempts": 1, "lateness_ms": None, "url": None, "error": None}
    details = {"post_id": "p", "rejections": [], "accounts": [post | {"in_doubt": True}]}

    result, _ = answered({"GET /v1/posts/p": (200, details)}, "status", "p")

    assert "retrying, in doubt" in result.stdout


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"state": "held", "reason": "a is not connected"},
            ["a: a is not connected", "`timeball retry 'p 1' --account a`"],
        ),
        ({"state": "failed", "error": {"message": "too long"}}, ["a: too long", "`timeball retry 'p 1' --account a`"]),
        (
            {"state": "unknown", "error": {"message": "no answer"}},
            ["a: no answer", "`timeball resolve 'p 1' --account a"],
        ),
        ({"state": "skipped", "reason": "too_late"}, ["a: too_late"]),
    ],
)
def test_status_says_why_a_post_is_not_out_and_what_to_do(told: dict[str, Any], said: list[str]) -> None:
    post = ACCEPTED | {"post_id": "p 1", "attempts": 0, "lateness_ms": None, "url": None, "in_doubt": False}
    post |= {"error": None, "reason": None} | told

    result, _ = answered(
        {"GET /v1/posts/p%201": (200, {"post_id": "p 1", "rejections": [], "accounts": [post]})}, "status", "p 1"
    )

    assert [text for text in said if text not in result.stdout] == []


def test_of_a_webhook_it_is_said_how_a_secret_is_made() -> None:
    result, api = answered({}, "accounts", "add", "webhook", "a", "--setting", "url=https://a.example", stdin="")

    assert result.exit_code == 2
    assert "`echo whsec_$(openssl rand -base64 32)` makes one" in " ".join(result.stderr.split())
    assert api.requests == []


@pytest.mark.parametrize(
    ("command", "path", "answer", "said"),
    [
        ("audit", "/v1/audit", {"acts": [], "next": None}, "Audit"),
        ("workspaces mentions", "/v1/mentions", {"mentions": [], "next": None}, "Mentions"),
    ],
)
def test_a_table_without_rows_says_so(command: str, path: str, answer: dict[str, Any], said: str) -> None:
    result, _ = answered({f"GET {path}": (200, answer)}, *command.split())

    assert result.stdout.startswith(said)
    assert result.stdout.endswith(": none\n")


def test_secrets_come_from_a_file_and_show_up_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text('{"access_token": "s3cret"}')

    result, api = answered(
        {"PUT /v1/accounts/a": (200, CONNECTED)},
        *("accounts", "add", "mastodon", "a", "--setting", "server=https://m.example"),
        *("--limit", "per_second=2", "--credentials-file", str(file)),
    )

    assert result.exit_code == 0
    assert "s3cret" not in result.output
    assert api.requests[0][1] == {
        "platform": "mastodon",
        "settings": {"server": "https://m.example"},
        "limits": {"per_second": 2},
        "credentials": {"access_token": "s3cret"},
    }


def test_keys_asks_the_console_that_is_named() -> None:
    result, _ = answered({"GET /v1/keys": (200, {"publisher": "cHVi"})}, "keys", "--json")

    assert json.loads(result.stdout) == {"publisher": "cHVi"}


def test_accounts_are_listed_with_what_is_wrong_with_them() -> None:
    def account(name: str, **more: Any) -> dict[str, Any]:
        usual = {"platform": "x", "connected": True, "token_expires_at": None, "needs_reconnect": False}
        return {"account_id": name, "error": None, "connect_error": None} | usual | more

    lost, wrong = {"message": "TIMEBALL_SECRET_KEYS"}, {"message": "the password is wrong"}
    accounts = [
        account("kept", connect_error=wrong),
        account("never", connected=False, connect_error=wrong),
        account("sealed", error=lost),
        account("refused", needs_reconnect=True, error=wrong),
    ]

    result, _ = answered({"GET /v1/accounts": (200, {"accounts": accounts})}, "accounts", "list")

    lines = {line.split()[0]: line for line in result.stdout.splitlines() if " x " in line}
    assert "yes" in lines["kept"]
    assert "as it was before: the password is wrong" in lines["kept"]
    assert ("no" in lines["never"].split(), "as it was" in lines["never"]) == (True, False)
    assert "TIMEBALL_SECRET_KEYS" in lines["sealed"]
    assert "connect it again" in lines["refused"]


@pytest.mark.parametrize(
    ("unreadable", "waiting", "code", "said"),
    [
        ([], [], 0, "publisher: 3 secrets encrypted with the first key"),
        (["team"], [], 1, "none of TIMEBALL_SECRET_KEYS fits the secrets of team"),
        ([], ["monitor"], 1, "monitor has not answered"),
    ],
)
def test_rotating_keys_ends_well_once_no_service_needs_the_old_one(
    unreadable: list[str], waiting: list[str], code: int, said: str
) -> None:
    services = [{"service": "publisher", "rotated": 3, "unreadable": unreadable}]
    rotation = {"correlation_id": "c", "services": services, "waiting": waiting}

    result, _ = answered({"POST /v1/keys:rotate": (202, rotation)}, "keys", "rotate")

    assert result.exit_code == code
    assert said in " ".join(result.output.split())


def test_keys_of_this_machine_are_made_once_and_open_what_they_seal(tmp_path: Path) -> None:
    made, again = (run("keys", "--json", url="", TIMEBALL_HOME=str(tmp_path)) for _ in range(2))

    public_keys = json.loads(made.stdout)
    private_key = SealingKey.from_base64((tmp_path / "keys" / "publisher.sealing_key").read_text())
    assert public_keys == json.loads(again.stdout)
    assert private_key.open(seal({"a": 1}, public_keys["publisher"])) == {"a": 1}


def test_watch_shows_events_as_they_come() -> None:
    event = {"type": "publish.succeeded", "correlation_id": "c", "message_id": "m", "data": {}}
    event["data"] = {"post_id": "p", "account_id": "a", "lateness_ms": 0.84, "url": "https://x.example/1"}
    stream = f": listening\n\nevent: publish.succeeded\ndata: {json.dumps(event)}\n\n: keep-alive\n\n".encode()

    words, _ = answered({"GET /v1/events": (200, stream)}, "watch")
    lines, _ = answered({"GET /v1/events": (200, stream)}, "watch", "--json")

    assert "published   p on a, 0.8 ms late: https://x.example/1" in words.stdout
    assert (words.exit_code, "ended the stream" in words.stderr) == (3, True)
    assert json.loads(lines.stdout) == event


def test_watch_says_beside_the_events_why_none_arrive() -> None:
    states = ({"broker": "away", "reason": "connection refused"}, {"broker": "connected"})
    stream = "".join(f"event: state\ndata: {json.dumps(state)}\n\n" for state in states).encode()

    watched, _ = answered({"GET /v1/events": (200, stream)}, "watch", "--json")

    assert "no events of the services arrive: connection refused" in watched.stderr
    assert "events of the services arrive again" in watched.stderr
    assert watched.stdout == ""


@pytest.mark.parametrize(
    "command", ["status ..", "cancel .", "accounts remove ..", "tokens revoke ..", "retry .. --account a"]
)
def test_what_no_address_can_name_is_not_looked_for_elsewhere(command: str) -> None:
    """The console would be asked for the path that `..` leads to."""
    result = run(*command.split(" "))

    assert (result.exit_code, "no address could name it" in complaint(result)) == (2, True)


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"timeball {version('timeball')}\n"


def test_a_shell_completes_commands() -> None:
    asked = os.environ | {"_TIMEBALL_COMPLETE": "complete_bash", "COMP_WORDS": "timeball s", "COMP_CWORD": "1"}

    told = subprocess.run(COMMAND, env=asked, cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["schedule", "status"]


def test_a_local_time_without_a_zone_is_in_this_machines_and_the_answer_says_so() -> None:
    with fake_api({"POST /v1/posts": (202, SCHEDULED)}) as api:
        environment = os.environ | {"TZ": "Europe/Paris", "TIMEBALL_URL": api.url, "TIMEBALL_API_TOKEN": "token"}
        arguments = ("schedule", "Hello", "--to", "a", "--at", "2027-03-28 09:00")
        told = subprocess.run(
            [*COMMAND, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )

    assert api.requests[0][1]["publish_at"] == {"local": "2027-03-28T09:00:00", "zone": "Europe/Paris"}
    assert "due 2027-03-28 09:00:00 (Europe/Paris)" in told.stdout
    assert "2027-03-28 09:00 is taken as a time in Europe/Paris, this machine's zone" in told.stdout


def test_tables_say_the_zone_of_their_times() -> None:
    result, _ = answered({"GET /v1/accounts": (200, {"accounts": []})}, "accounts", "list")

    assert f"times in {own_zone()}" in result.stdout


@pytest.mark.parametrize(
    ("wanted", "says"), [("publish.suceeded", "do you mean 'publish.succeeded'?"), ("x.*", "docs/events.md lists them")]
)
def test_watching_what_never_comes_is_refused(wanted: str, says: str) -> None:
    result = run("watch", "--type", wanted)

    assert (result.exit_code, says in " ".join(result.stderr.split()).replace(" │ │ ", " ")) == (2, True)
