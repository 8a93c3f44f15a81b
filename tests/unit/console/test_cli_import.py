"""`timeball import`: what is sent, what is told, and the exit code."""

import asyncio
import json
import os
import signal
from collections import UserDict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.console.cli import progress
from services.console.imports import Line, read
from services.console.imports.parts import MOST_BYTES, parts_of
from services.console.requests.import_runs import MOST_IN_A_BATCH, batches
from shared.messaging.envelope import MAX_BODY_BYTES
from tests.support.waiting import eventually
from tests.unit.console.fake_api import fake_api
from tests.unit.console.test_cli import COMMAND, answered, run

GOOD = "1,Hello,a,,\n2,Hello,a,,\n"
BAD = "3,Hello,a,tomorrow,\n"
RUN: dict[str, Any] = {
    "id": "i-1", "state": "running", "total": 2, "sent": 2, "scheduled": 2, "unchanged": 0,
    "warnings": {}, "problem": None,
}  # fmt: skip
FOLLOWS = "GET /v1/imports/i-1"
REJECTED = {
    "line": 2, "kind": "rejected", "post_id": "p", "account_id": "b", "code": "in_the_past", "reason": "an hour ago",
}  # fmt: skip


def imported(*lines: dict[str, Any], **figures: Any) -> dict[str, tuple[int, Any]]:
    """What a console answers that imports a file, with these lines to look at."""
    return {
        "POST /v1/imports": (201, RUN),
        "POST /v1/imports/i-1:start": (202, RUN),
        "GET /v1/imports/i-1": (200, RUN | {"state": "done"} | figures),
        "GET /v1/imports/i-1/lines": (200, {"lines": lines, "next": None}),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "posts.csv"
    path.write_text(f"post_id,content,accounts,publish_at,zone\n{GOOD}")
    return path


def added(file: Path, rows: str) -> Path:
    file.write_text(file.read_text() + rows)
    return file


def agreed(api: Any) -> dict[str, bool]:
    """What the console was told to do, after it has got the file."""
    told: dict[str, bool] = next(body for asked, body in api.requests if asked.endswith(":start"))
    return told


def test_batches_hold_as_much_as_one_request_takes() -> None:
    small = [Line(number, post={"post_id": str(number)}) for number in range(MOST_IN_A_BATCH + 1)]
    large = [Line(number, post={"content": "x" * 900_000}) for number in range(3)]

    assert [len(batch) for batch in batches(small)] == [MOST_IN_A_BATCH, 1]
    assert [len(batch) for batch in batches(large)] == [2, 1]


def test_nothing_is_sent_from_a_file_with_faults(file: Path) -> None:
    result, api = answered({}, "import", str(added(file, BAD)))

    assert (result.exit_code, api.requests) == (1, [])
    assert "line 4: publish_at: 'tomorrow' is no time" in result.stderr
    assert "nothing was sent: mend it, or leave that line out with --skip-bad" in result.stderr


def test_nothing_of_a_file_with_faults_is_told_in_json_too(file: Path) -> None:
    result, _ = answered({}, "import", str(added(file, BAD)), "--json")

    told = json.loads(result.stdout)
    assert (told["accepted"], [fault["line"] for fault in told["skipped"]]) == (0, [4])


def test_bad_lines_are_left_out_where_that_is_asked_for(file: Path) -> None:
    result, api = answered(imported(), "import", str(added(file, BAD)), "--skip-bad", "--now")

    assert agreed(api)["skip_faults"]
    assert "line 4: publish_at: 'tomorrow' is no time" in result.stderr
    assert "2 scheduled, 0 unchanged, 0 rejected, 1 skipped for their faults" in result.stdout
    assert result.exit_code == 1


def test_a_file_may_come_from_stdin(file: Path) -> None:
    result = run("import", "-", "--dry-run", stdin=file.read_text())

    assert (result.exit_code, "2 posts, 0 lines with faults" in result.stdout) == (0, True)


def test_a_dry_run_tells_what_the_file_holds_and_sends_nothing(file: Path) -> None:
    added(file, "4,Hello,b,2027-03-28 09:00,\n")

    well = run("import", str(file), "--dry-run", "--zone", "Europe/Berlin")
    badly = run("import", str(added(file, BAD)), "--dry-run")

    assert (well.exit_code, badly.exit_code) == (0, 1)
    assert "3 posts, 0 lines with faults; nothing was sent" in well.stdout
    assert ("2 for a" in well.stdout, "1 for b" in well.stdout) == (True, True)
    assert "2 without a time: due at once" in well.stdout
    assert "times without a zone (1) are in Europe/Berlin" in well.stdout
    assert "line 5: publish_at" in badly.stderr


def test_a_dry_run_in_json_holds_the_same(file: Path) -> None:
    added(file, "4,Hello,b,2027-03-28 09:00,Europe/Berlin\n")

    plan = json.loads(run("import", str(file), "--dry-run", "--json").stdout)

    assert (plan["posts"], plan["accounts"], plan["due_at_once"]) == (3, {"a": 2, "b": 1}, 2)
    assert (plan["first_due"], plan["encoding"], plan["delimiter"]) == ("2027-03-28T07:00:00+00:00", "utf-8", ",")


def test_a_dry_run_names_times_in_the_past_which_are_no_faults(file: Path) -> None:
    added(file, "4,Hello,b,2020-03-28T09:00Z,\n5,Hello,b,2020-03-28T10:00Z,\n")

    well = run("import", str(file), "--dry-run")
    plan = json.loads(run("import", str(file), "--dry-run", "--json").stdout)

    assert well.exit_code == 0
    assert "2 in the past (the first in line 4): rejected, unless they are there already" in well.stdout
    assert (plan["in_the_past"], plan["first_in_the_past"], plan["faults"]) == (2, 4, [])


def an_account(name: str, **standing: Any) -> dict[str, Any]:
    return {"account_id": name, "connected": True, "settings": {}, "needs_reconnect": False} | standing


KNOWN = {
    "GET /v1/accounts": (200, {"accounts": [
        an_account("a"),
        an_account("gone", connected=False),
        an_account("tired", needs_reconnect=True),
        an_account("never", connected=False, settings=None),
    ]}),
}  # fmt: skip


def test_a_dry_run_names_the_accounts_that_cannot_publish_with_their_lines(file: Path) -> None:
    many = "".join(f"many-{number},Hello,a tema,2099-03-28T09:00Z,\n" for number in range(12))
    added(file, f"3,Hello,gone tired,2099-03-28T09:00Z,\n4,Hello,never gone,2099-03-28T09:00Z,\n{many}")

    result, api = answered(KNOWN, "import", str(file), "--dry-run")
    in_json, _ = answered(KNOWN, "import", str(file), "--dry-run", "--json")

    assert (result.exit_code, [asked for asked, _ in api.requests]) == (0, ["GET /v1/accounts"])
    lines = [line for line in result.stdout.splitlines() if "would be" in line]
    assert lines == [
        "  account 'gone' is disconnected: lines 4 and 5 would be rejected, unless there already;"
        " `timeball accounts add PLATFORM gone` connects it",
        "  account 'tired' must be connected again: line 4 would be held if due before;"
        " `timeball accounts add PLATFORM tired` connects it",
        "  the console knows no account 'never': line 5 would be accepted, and held when due unless it is connected"
        " before; `timeball accounts add PLATFORM never` connects it",
        "  the console knows no account 'tema': lines 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 2 more would be accepted,"
        " and held when due unless it is connected before; `timeball accounts add PLATFORM tema` connects it",
    ]
    told = {one["account_id"]: one for one in json.loads(in_json.stdout)["accounts_to_connect"]}
    assert told["gone"] == {"account_id": "gone", "obstacle": "disconnected", "posts": 2, "lines": [4, 5]}
    assert (told["tema"]["obstacle"], told["tema"]["posts"]) == ("unknown", 12)


@pytest.mark.parametrize("answer", [None, (401, {"code": "unauthorized", "detail": "no token"}), (200, b"<html>")])
def test_a_dry_run_without_a_console_says_that_accounts_were_not_checked(file: Path, answer: Any) -> None:
    answers = {"GET /v1/accounts": answer} if answer else None
    ways = (["--dry-run"], ["--dry-run", "--json"])
    said, in_json = (
        answered(answers, "import", str(file), *way)[0] if answers else run("import", str(file), *way) for way in ways
    )

    assert said.exit_code == 0
    assert "2 posts, 0 lines with faults" in said.stdout
    assert "whether the accounts are connected was not checked" in said.stderr
    assert "the console knows no account" not in said.stdout
    assert json.loads(in_json.stdout)["accounts_to_connect"] is None


def test_a_guessed_encoding_is_told_with_an_example(tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_bytes("post_id\tcontent\taccounts\n1\tSchöne Grüße\ta\n".encode("cp1252"))

    result = run("import", str(file), "--dry-run")

    assert "read as windows-1252: 'Schöne Grüße'; if right, say --encoding windows-1252" in result.stdout


def test_a_guessed_encoding_must_be_said_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_bytes("post_id\tcontent\taccounts\n1\tSchöne Grüße\ta\n".encode("cp1252"))

    guessed, nothing = answered({}, "import", str(file), "--now")
    said, api = answered(imported(), "import", str(file), "--now", "--encoding", "windows-1252")

    assert (guessed.exit_code, nothing.requests) == (1, [])
    assert "nothing was sent: the file is no UTF-8; read as windows-1252: 'Schöne Grüße'" in guessed.stderr
    assert (said.exit_code, agreed(api)["encoding_is_right"]) == (0, True)
    assert "encoding=windows-1252" in api.requests[0][0]


def test_what_names_no_time_is_sent_only_where_that_is_meant(file: Path) -> None:
    result, api = answered({}, "import", str(file))

    assert (result.exit_code, api.requests) == (1, [])
    assert (
        "nothing was sent: 2 without a publish_at: give each a time, or publish them at once with --now"
        in result.stderr
    )


@pytest.mark.parametrize("option", [("--zone", "Mars"), ("--encoding", "klingon")])
def test_a_wrong_option_ends_with_2(file: Path, option: tuple[str, str]) -> None:
    result = run("import", str(file), *option)

    assert (result.exit_code, option[1] in result.stderr) == (2, True)


def test_what_is_there_already_is_left_alone_and_told(file: Path) -> None:
    left = REJECTED | {"kind": "left_alone", "code": "conflict", "reason": "'p' on 'b' has been cancelled (revision 2)"}

    result, api = answered(imported(left, scheduled=1), "import", str(file), "--now")

    assert not agreed(api)["overwrite"]
    assert result.exit_code == 4
    assert "1 scheduled, 0 unchanged, 0 rejected, 1 left alone" in result.stdout
    assert "'p' on 'b' has been cancelled (revision 2)" in result.stdout
    assert "--overwrite replaces them" in result.stdout


def test_overwriting_is_asked_for(file: Path) -> None:
    result, api = answered(imported(), "import", str(file), "--overwrite", "--now")

    assert (result.exit_code, agreed(api)["overwrite"]) == (0, True)


def test_import_counts_what_waits_for_the_publisher(file: Path) -> None:
    waiting = REJECTED | {"kind": "pending", "code": None}

    result, _ = answered(imported(waiting, scheduled=1), "import", str(file), "--now")

    assert result.exit_code == 1
    assert "1 scheduled, 0 unchanged, 0 rejected" in result.stdout
    assert "1 were not answered in time, or not sent: run the import again" in result.stderr


def test_import_lists_what_was_rejected_with_its_line_and_code(file: Path) -> None:
    answers = imported(REJECTED, scheduled=1)

    result, _ = answered(answers, "import", str(file), "--now")
    told, _ = answered(answers, "import", str(file), "--now", "--json")

    assert result.exit_code == 1
    assert "line 2: p: an hour ago" in result.stderr
    assert "1 scheduled, 0 unchanged, 1 rejected" in result.stdout
    assert json.loads(told.stdout)["rejected"] == [{name: REJECTED[name] for name in REJECTED if name != "kind"}]


def test_import_sums_up_what_it_was_warned_of(file: Path) -> None:
    warned = {"the same text is on a already, within 24 hours of it": 2}

    result, _ = answered(imported(warnings=warned), "import", str(file), "--now")

    assert result.exit_code == 0
    assert "2x the same text is on a already, within 24 hours of it" in result.stdout


def test_an_import_that_was_stopped_says_why_and_what_is_left(file: Path) -> None:
    stopped = {"state": "stopped", "sent": 0, "scheduled": 0, "problem": "the console failed at it"}

    result, _ = answered(imported(**stopped), "import", str(file), "--now")

    assert result.exit_code == 1
    assert "the console stopped: the console failed at it" in result.stderr
    assert "2 were not answered in time, or not sent: run the import again" in result.stderr


def test_who_loses_the_console_is_told_that_it_goes_on_and_where(file: Path) -> None:
    answers = imported() | {"GET /v1/imports/i-1": (0, b"")}

    result, api = answered(answers, "import", str(file), "--now")

    assert result.exit_code == 3
    assert "the console goes on without you" in result.stderr
    assert f"{api.url}/import/i-1" in result.stderr


def test_a_console_that_cannot_say_how_far_it_is_is_asked_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its database may be away for a moment; the import goes on."""
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.01)
    away = {"code": "database_unavailable", "detail": "the console's database cannot be used"}
    answers, looks = imported(state="running"), [(503, away), (503, away), (200, RUN | {"state": "done"})]

    class Changing(UserDict[str, tuple[int, Any]]):
        def get(self, key: str, *default: Any) -> tuple[int, Any]:
            return looks.pop(0) if key == "GET /v1/imports/i-1" else answers.get(key, *default)

    result, _ = answered(Changing(), "import", str(file), "--now")

    assert result.exit_code == 0, result.output
    assert result.stderr.count("cannot say at present") == 1
    assert looks == []


@pytest.mark.parametrize("name", ["caf\udce9.csv", f"{'long' * 60}.csv", "line\nbreak.csv", "[bold] [#x].csv"])
def test_a_file_may_be_called_whatever_a_file_can_be_called(file: Path, name: str) -> None:
    odd = file.rename(file.with_name(name))

    result, api = answered(imported(), "import", str(odd), "--now")

    (named,) = parse_qs(urlsplit(api.requests[0][0].partition(" ")[2]).query)["name"]
    assert result.exit_code == 0, result.output
    assert named.isprintable()
    assert len(named) <= 200


async def test_who_does_not_wait_is_told_that_it_goes_on_and_where(file: Path) -> None:
    with fake_api(imported(state="running")) as api:
        environment = os.environ | {"TIMEBALL_URL": api.url, "TIMEBALL_API_TOKEN": "token"}
        command = [*COMMAND, "import", str(file), "--now"]
        importing = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
        await eventually(lambda: any(asked == FOLLOWS for asked, _ in api.requests), what="it follows the import")
        importing.send_signal(signal.SIGINT)
        _, said = await importing.communicate()

    assert importing.returncode == 1
    assert b"the console goes on without you" in said
    assert f"{api.url}/import/i-1".encode() in said


def test_a_file_that_is_too_large_is_handed_over_in_parts_that_know_their_lines() -> None:
    rows = [{"post_id": str(number), "content": "x" * 100, "targets": [{"account_id": "a"}]} for number in range(5)]
    content = "\n".join(["", *map(json.dumps, rows)]).encode()
    file = read(content)

    parts = parts_of(content, file, None, most=600)

    assert [one.content for one in parts_of(content, file, None)] == [content]
    assert [len(part.content) <= 600 for part in parts] == [True, True]
    assert [line.post for part in parts for line in read(part.content).posts] == rows
    numbers = [part.line(line.number) for part in parts for line in read(part.content).posts]
    assert numbers == [line.number for line in file.posts] == [2, 3, 4, 5, 6]


def test_a_part_is_no_larger_than_what_the_console_takes() -> None:
    assert MOST_BYTES == MAX_BODY_BYTES


def test_in_the_background_the_console_gets_the_file_and_what_was_agreed_to(file: Path) -> None:
    result, api = answered(
        imported(), "import", str(added(file, BAD)), "--skip-bad", "--now", "--background", "--zone", "UTC"
    )

    (prepared, content), (started, wanted) = api.requests
    assert (prepared, started) == ("POST /v1/imports?name=posts.csv&zone=UTC", "POST /v1/imports/i-1:start")
    assert content == file.read_text()
    assert wanted == {"skip_faults": True, "overwrite": False, "publish_now": True, "encoding_is_right": False}
    assert (
        f"the console imports 2 posts, and goes on without this terminal; follow or stop it at {api.url}/import/i-1"
        in (result.stdout)
    )
    assert result.exit_code == 1


def test_in_the_background_too_nothing_is_handed_over_that_is_in_doubt(file: Path) -> None:
    result, api = answered({}, "import", str(file), "--background")

    assert (result.exit_code, api.requests) == (1, [])
    assert "2 without a publish_at" in result.stderr
