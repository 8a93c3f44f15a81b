"""Files of posts are read line by line; a bad line says what is wrong and spoils no other."""

from pathlib import Path

import pytest

from services.console.cli.importing import MOST_IN_A_BATCH, batches
from services.console.cli.post_files import Line, UnreadableFile, lines_of

GOOD = '{"post_id": "a-1", "content": "Hello", "targets": [{"account_id": "demo-one"}]}'


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_json_lines_are_read_and_numbered_as_in_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "posts.jsonl", f'{GOOD}\n\n{{"post_id": "a-2"}}\nnot json\n{GOOD}')

    lines = list(lines_of(file))

    assert [(line.number, line.post is not None) for line in lines] == [(1, True), (3, False), (4, False), (5, True)]
    assert lines[1].problem and "content: this field is required" in lines[1].problem
    assert lines[-1].end == file.stat().st_size


def test_a_table_becomes_schedule_requests(tmp_path: Path) -> None:
    table = (
        "post_id,content,accounts,publish_at,zone,media\n"
        'a-1,"Hello,\nworld",demo-one;demo-two,2027-03-28 09:00,Europe/Berlin,https://x.example/1.png\n'
        "a-2,Now,demo-one,,,\n"
    )

    first, second = lines_of(written(tmp_path / "posts.csv", b"\xef\xbb\xbf" + table.encode()))

    assert first.post == {
        "post_id": "a-1",
        "content": "Hello,\nworld",
        "media": [{"url": "https://x.example/1.png"}],
        "publish_at": {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"},
        "targets": [{"account_id": "demo-one"}, {"account_id": "demo-two"}],
    }
    assert second.post == {"post_id": "a-2", "content": "Now", "targets": [{"account_id": "demo-one"}]}
    assert (first.number, second.number) == (3, 4)


def test_a_bad_row_spoils_no_other(tmp_path: Path) -> None:
    table = "post_id,content,accounts,publish_at\na-1,Hi,one,tomorrow\na-2,Hi\na-3,Hi,,\na-4,Hi,one,\n"

    lines = list(lines_of(written(tmp_path / "posts.csv", table)))

    assert [line.post is not None for line in lines] == [False, False, False, True]
    problems = [line.problem or "" for line in lines]
    assert "no time" in problems[0]
    assert "number of columns" in problems[1]
    assert "targets" in problems[2]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"id,text\n", "missing: post_id"),
        (b"post_id,content,accounts,colour\n", "unknown columns: colour"),
        (b"post_id,content,accounts\na-1,\xff\xfe,one\n", "not UTF-8"),
        (b'post_id,content,accounts\na-1,"open,one\n', "line"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(tmp_path: Path, table: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        list(lines_of(written(tmp_path / "posts.csv", table)))


def test_batches_hold_as_much_as_one_request_takes() -> None:
    small = [Line(number, number, post={"post_id": str(number)}) for number in range(MOST_IN_A_BATCH + 1)]
    large = [Line(number, number, post={"content": "x" * 900_000}) for number in range(3)]

    assert [len(batch) for batch in batches(small)] == [MOST_IN_A_BATCH, 1]
    assert [len(batch) for batch in batches(large)] == [2, 1]
