"""`timeball import`: what is sent, what is told, and the exit code."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.console.imports import Line
from services.console.imports.batches import MOST_IN_A_BATCH, batches
from tests.unit.console.test_cli import ACCEPTED, REJECTED, SETTLED, answered, run

GOOD = "1,Hello,a,,\n2,Hello,a,,\n"
BAD = "3,Hello,a,tomorrow,\n"
LEFT_ALONE = REJECTED | {"code": "conflict", "reason": "expected_revision: 'p' on 'b' has been cancelled (revision 2)"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "posts.csv"
    path.write_text(f"post_id,content,accounts,publish_at,zone\n{GOOD}")
    return path


def added(file: Path, rows: str) -> Path:
    file.write_text(file.read_text() + rows)
    return file


def sent(api: Any) -> list[dict[str, Any]]:
    return [post for _, body in api.requests for post in body["posts"]]


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
    answers = {"POST /v1/posts:batch": (202, SETTLED | {"accepted": [ACCEPTED, ACCEPTED]})}

    result, api = answered(answers, "import", str(added(file, BAD)), "--skip-bad", "--now")

    assert [post["post_id"] for post in sent(api)] == ["1", "2"]
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


def test_a_guessed_encoding_is_told_with_an_example(tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_bytes("post_id\tcontent\taccounts\n1\tSchöne Grüße\ta\n".encode("cp1252"))

    result = run("import", str(file), "--dry-run")

    assert "read as windows-1252: 'Schöne Grüße'; if right, say --encoding windows-1252" in result.stdout


def test_a_guessed_encoding_must_be_said_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_bytes("post_id\tcontent\taccounts\n1\tSchöne Grüße\ta\n".encode("cp1252"))

    guessed, nothing = answered({}, "import", str(file), "--now")
    answers = {"POST /v1/posts:batch": (202, SETTLED | {"accepted": [ACCEPTED]})}
    said, api = answered(answers, "import", str(file), "--now", "--encoding", "windows-1252")

    assert (guessed.exit_code, nothing.requests) == (1, [])
    assert "nothing was sent: the file is no UTF-8; read as windows-1252: 'Schöne Grüße'" in guessed.stderr
    assert (said.exit_code, [post["content"] for post in sent(api)]) == (0, ["Schöne Grüße"])


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
    answers = {"POST /v1/posts:batch": (202, SETTLED | {"accepted": [ACCEPTED], "rejected": [LEFT_ALONE]})}

    result, api = answered(answers, "import", str(file), "--now")

    assert {post["expected_revision"] for post in sent(api)} == {0}
    assert result.exit_code == 4
    assert "1 scheduled, 0 unchanged, 0 rejected, 1 left alone" in result.stdout
    assert "'p' on 'b' has been cancelled (revision 2)" in result.stdout
    assert "--overwrite replaces them" in result.stdout


def test_overwriting_expects_nothing_of_what_is_there(file: Path) -> None:
    result, api = answered(
        {"POST /v1/posts:batch": (202, SETTLED | {"accepted": [ACCEPTED]})}, "import", str(file), "--overwrite", "--now"
    )

    assert result.exit_code == 0
    assert not any("expected_revision" in post for post in sent(api))


def test_a_line_that_expects_a_revision_itself_is_rejected_where_that_is_another(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"post_id": "p", "content": "x", "expected_revision": 3, "targets": [{"account_id": "b"}]}')

    result, api = answered(
        {"POST /v1/posts:batch": (202, SETTLED | {"rejected": [LEFT_ALONE]})}, "import", str(file), "--now"
    )

    assert [post["expected_revision"] for post in sent(api)] == [3]
    assert (result.exit_code, "1 rejected" in result.stdout) == (1, True)


def test_import_counts_what_waits_for_the_publisher_and_does_not_ask_again(file: Path) -> None:
    waiting = {"accepted": [ACCEPTED], "waiting": [{"post_id": "2", "account_id": "a"}], "pending": True}

    result, api = answered({"POST /v1/posts:batch": (202, SETTLED | waiting)}, "import", str(file), "--now")

    assert (result.exit_code, len(api.requests)) == (1, 1)
    assert "1 scheduled, 0 unchanged, 0 rejected" in result.stdout
    assert "1 were not answered in time: run the import again" in result.stderr


def test_import_lists_what_was_rejected_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('\n{"post_id": "p", "content": "x", "targets": [{"account_id": "a"}, {"account_id": "b"}]}\n')
    answer = SETTLED | {"accepted": [ACCEPTED], "rejected": [REJECTED]}

    result, _ = answered({"POST /v1/posts:batch": (202, answer)}, "import", str(file), "--now")

    assert result.exit_code == 1
    assert "line 2: p: an hour ago" in result.stderr
    assert "1 scheduled, 0 unchanged, 1 rejected" in result.stdout


def test_import_sums_up_what_it_was_warned_of(file: Path) -> None:
    warned = [ACCEPTED | {"post_id": post_id, "warning": "duplicate_text"} for post_id in "12"]

    result, _ = answered({"POST /v1/posts:batch": (202, SETTLED | {"accepted": warned})}, "import", str(file), "--now")

    assert result.exit_code == 0
    assert "2x the same text is on a already, within 24 hours of it" in result.stdout


def test_import_asks_again_while_it_is_not_answered(file: Path) -> None:
    result, api = answered({"POST /v1/posts:batch": (202, SETTLED | {"pending": True})}, "import", str(file), "--now")

    assert result.exit_code == 1
    assert len(api.requests) > 1
    assert "run the import again" in result.stderr


def test_in_the_background_the_console_gets_the_file_and_what_was_agreed_to(file: Path) -> None:
    run_of = {"id": "i-1", "total": 2}
    answers = {"POST /v1/imports": (201, run_of), "POST /v1/imports/i-1:start": (202, run_of)}

    result, api = answered(
        answers, "import", str(added(file, BAD)), "--skip-bad", "--now", "--background", "--zone", "UTC"
    )

    (prepared, content), (started, agreed) = api.requests
    assert (prepared, started) == ("POST /v1/imports?name=posts.csv&zone=UTC", "POST /v1/imports/i-1:start")
    assert content == file.read_text()
    assert agreed == {"skip_faults": True, "overwrite": False, "publish_now": True, "encoding_is_right": False}
    assert (
        f"the console imports 2 posts, and goes on without this terminal; follow or stop it at {api.url}/import/i-1"
        in (result.stdout)
    )
    assert result.exit_code == 1


def test_in_the_background_too_nothing_is_handed_over_that_is_in_doubt(file: Path) -> None:
    result, api = answered({}, "import", str(file), "--background")

    assert (result.exit_code, api.requests) == (1, [])
    assert "2 without a publish_at" in result.stderr
