"""Files of posts: every line is a post or says what is wrong with it, whatever program wrote the file."""

import time
from typing import Any

import pytest

from services.console.imports import PostFile, UnknownEncoding, read

GOOD = '{"post_id": "a-1", "content": "Hello", "targets": [{"account_id": "demo-one"}]}'
POST = {"post_id": "a-1", "content": "Hello", "targets": [{"account_id": "demo-one"}]}
HEADER = "post_id,content,accounts,publish_at,zone,media"


def table(*rows: str, header: str = HEADER, **how: Any) -> PostFile:
    return read("\n".join((header, *rows)).encode(), **how)


def posts(file: PostFile) -> list[Any]:
    assert not file.faults
    return [line.post for line in file.posts]


def problem(file: PostFile) -> str:
    (fault,) = file.faults
    return fault.problem or ""


def test_json_lines_are_read_and_numbered_as_in_the_file() -> None:
    other = GOOD.replace("a-1", "a-2")

    file = read(f'\ufeff{GOOD}\r\n\r\n{{"post_id": "a-2"}}\r\nnot json\r\n{other}'.encode())

    assert [(line.number, line.post is not None) for line in file.lines] == [
        (1, True),
        (3, False),
        (4, False),
        (5, True),
    ]
    assert "content: this field is required" in str(file.lines[1].problem)
    assert "not JSON" in str(file.lines[2].problem)


def test_a_json_list_is_read_and_numbered_as_in_the_file() -> None:
    file = read(f"[\n {GOOD},\n 3,\n {GOOD.replace('a-1', 'a-2')} oops]".encode())

    assert [line.number for line in file.posts] == [2, 4]
    assert [line.number for line in file.faults] == [3, 4]
    assert "cannot be read on from here" in str(file.faults[1].problem)


def test_a_table_becomes_schedule_requests() -> None:
    file = table(
        'a-1,"Hello,\nworld",demo-one;demo-two,2027-03-28 09:00,Europe/Berlin,https://x.example/1.png',
        "a-2,Now,demo-one,,,",
    )

    first, second = file.posts
    assert first.post == {
        "post_id": "a-1",
        "content": "Hello,\nworld",
        "media": [{"url": "https://x.example/1.png"}],
        "publish_at": {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"},
        "targets": [{"account_id": "demo-one"}, {"account_id": "demo-two"}],
    }
    assert second.post == {"post_id": "a-2", "content": "Now", "targets": [{"account_id": "demo-one"}]}
    assert (first.number, second.number) == (2, 4)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_delimiter_and_encoding_are_found_out(delimiter: str, encoding: str) -> None:
    rows = (("post_id", "content", "accounts"), ("a-1", "Schöne Grüße, ça va; déjà", "demo-one"))
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)

    file = read(text.encode(encoding))

    assert posts(file) == [POST | {"content": "Schöne Grüße, ça va; déjà"}]
    assert (file.delimiter, file.is_encoding_guessed) == (delimiter, encoding == "cp1252")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1252", "Été à la plage : quel été… déjà demain, café crème"),
        ("windows-1250", "Zażółć gęślą jaźń. Dzień dobry, świecie"),
        ("windows-1251", "Привет мир, доброе утро всем"),
        ("cp932", "こんにちは世界、おはようございます。今日はいい天気ですね"),
    ],
)
def test_an_encoding_is_told_by_its_text(encoding: str, text: str) -> None:
    file = read(f'post_id,content,accounts\na-1,"{text}",demo-one\n'.encode(encoding))

    assert posts(file) == [POST | {"content": text}]
    assert file.encoding == encoding


def test_an_encoding_that_is_named_is_not_guessed() -> None:
    content = "post_id,content,accounts\na-1,Żółć,demo-one\n".encode("cp1250")

    assert posts(read(content, encoding="windows-1250")) == [POST | {"content": "Żółć"}]
    with pytest.raises(UnknownEncoding, match="no encoding is called 'klingon'"):
        read(content, encoding="klingon")
    with pytest.raises(UnknownEncoding, match="not in utf-32"):
        read(content, encoding="utf-32")


@pytest.mark.parametrize(
    ("encoding", "says"),
    [("utf-8\0", "no encoding is called"), ("unicode_escape", "no character"), ("undefined", "is not in undefined")],
)
def test_an_encoding_that_no_file_has_is_refused(encoding: str, says: str) -> None:
    with pytest.raises(UnknownEncoding, match=says):
        read(b'{"post_id": "\\ud800"}', encoding=encoding)


def test_a_delimiter_that_is_no_character_is_none() -> None:
    file = read(b"sep=\xff\npost_id,content,accounts\n", encoding="utf-8")

    assert file.delimiter == ","
    assert "the first line must name the columns" in problem(file)


def test_what_is_no_object_is_told_how_a_post_is_written() -> None:
    file = read(f"[3, {GOOD}]".encode())

    assert len(file.posts) == 1
    assert 'a post is: {"post_id"' in problem(file)


def test_a_bad_byte_in_good_utf_8_is_named_with_its_line() -> None:
    table = f"{HEADER}\na-1,Grüße,one,,,\na-2,Gr?ße,one,,,\na-3,Grüße,one,,,\n"
    lines = [GOOD.replace("Hello", "Grüße"), GOOD.replace("Hello", "Gr?ße").replace("a-1", "a-2")]

    for content, number in ((table, 3), ("\n".join(lines), 2)):
        file = read(content.encode().replace(b"?", b"\xff"))
        assert "byte 0xFF" in problem(file)
        assert (file.faults[0].number, file.encoding) == (number, "utf-8")


@pytest.mark.parametrize(
    "header", ["Post_ID; content ;ACCOUNTS", '\ufeff"post id";Content;Accounts', "postId;CONTENT;accounts;;"]
)
def test_columns_are_known_however_they_are_written(header: str) -> None:
    row = "a-1;Hello;demo-one" + ";" * (header.count(";") - 2)

    assert posts(table(row, header=header)) == [POST]


def test_a_column_may_be_left_out_on_purpose() -> None:
    assert posts(table("a-1,Hello,demo-one,by Ann", header="post_id,content,accounts,#notes")) == [POST]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("hello world", "no post_id, content, accounts; it reads 'hello world'; the columns are post_id"),
        ("post_id,contnt,accounts", "'contnt': do you mean 'content'?"),
        ("post_id,content,account", "'account': do you mean 'accounts'?"),
        ("post_id,content,accounts,publish at time", "'publish at time': do you mean 'publish_at'?"),
        ("post_id,content,accounts,colour", "'colour': no such column; rename it to one of"),
        ("post_id,content,accounts,Content", "'content' is there 2 times"),
    ],
)
def test_a_wrong_first_line_says_how_to_write_it(header: str, says: str) -> None:
    assert says in problem(table("a,b,c,d", header=header))


@pytest.mark.parametrize("more", ["and more", f"\n\n[{GOOD}]", "]", GOOD])
def test_what_follows_a_json_list_is_a_fault_and_not_passed_over(more: str) -> None:
    file = read(f"[\n {GOOD}\n]  {more}\n".encode())

    assert [line.number for line in file.posts] == [2]
    assert [line.number for line in file.faults] == [5 if more.startswith("\n") else 3]
    assert "put every post into one list" in problem(file)


def test_blank_lines_may_follow_a_json_list() -> None:
    assert read(f"[{GOOD}]\n \n".encode()).faults == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a-1,Hi,one,tomorrow,,", "publish_at: 'tomorrow' is no time"),
        ("a-1,Hi,one,2027-03-28,Europe/Berlin,", "publish_at: '2027-03-28' is a day without a time"),
        ("a-1,Hi,one,2027-03-28 09:00,,", "publish_at: '2027-03-28 09:00' has no offset"),
        ("a-1,Hi,one,2027-03-28T09:00Z,Europe/Berlin,", "has an offset already"),
        ("a-1,Hi,one,2027-03-28 09:00,Mars,", "unknown time zone 'Mars'"),
        ("a-1,Hi,one,,Europe/Berlin,", "zone: 'Europe/Berlin' without a publish_at"),
        ("a-1,Hi", "2 values for 6 columns; put quotes around a value that has a line break"),
        ("a-1,Hi,one", "3 values for 6 columns"),
        ("a-1,Hi, there,one,,,more", "7 values for 6 columns; put quotes around a value that has a delimiter"),
        ("a-1,Hi,,,,", "targets"),
        (",Hi,one,,,", "post_id"),
        ("a-1,,one,,,", "content: the post has neither text nor media"),
        ("a-1,Hi,one;one,,,", "'one' is listed twice"),
        ("a-1,Hi,one,,,picture.png", "media[0].url"),
        ('a-1,"Hi"x,one,,,', "a quote"),
        ('a-1,"Hi,one,,,', "never closed"),
    ],
)
def test_a_bad_row_says_what_is_wrong_and_spoils_no_other(row: str, says: str) -> None:
    file = table("a-0,Hi,one,,,", row, "a-2,Hi,one,,,")

    assert says in problem(file)
    assert file.faults[0].number == 3
    assert [line.post["post_id"] for line in file.posts if line.post] == ["a-0", "a-2"]


@pytest.mark.parametrize(
    "told",
    [
        '{"publishAt": "2027-03-28T09:00Z"}',
        '{"late_polcy": {"mode": "skip"}}',
        '{"late_policy": {"grace-seconds": 5}}',
        '{"publish_at": {"local": "2027-13-28T09:00", "zone": "UTC"}}',
        '{"publish_at": {"local": "2027-03-28T09:00", "zone": "Mars"}}',
    ],
)
def test_a_wish_that_would_be_dropped_is_a_fault(told: str) -> None:
    assert problem(read(f"{GOOD[:-1]}, {told[1:]}".encode()))


def test_unknown_fields_that_are_no_near_miss_are_ignored() -> None:
    assert posts(read(f'{GOOD[:-1]}, "author": "Ann"}}'.encode())) == [POST]


def test_stray_quotes_commas_and_spaces_belong_to_no_account_and_no_picture() -> None:
    file = table(
        'a-1,Hi,"sb, sb2,",,,"https://x.example/a.png, https://x.example/b,c.png,"', "a-2,Hi,'sb' ; \"sb2\",,,"
    )

    first, second = posts(file)
    assert first["targets"] == second["targets"] == [{"account_id": "sb"}, {"account_id": "sb2"}]
    assert first["media"] == [{"url": "https://x.example/a.png"}, {"url": "https://x.example/b,c.png"}]


@pytest.mark.parametrize(
    "row", ["a-1,Hi,one,2027-03-28T09:00Z", "a-1,Hi,one,2027-03-28T09:00Z,", "a-1,Hi,one,2027-03-28T09:00Z,,,,"]
)
def test_empty_values_at_the_end_of_a_line_may_be_left_out_or_too_many(row: str) -> None:
    """Spreadsheets write a line as long as its values, or as long as the longest one."""
    file = table(row)

    assert [line.post["post_id"] for line in file.posts if line.post] == ["a-1"]
    assert not file.faults


def test_empty_rows_are_no_posts() -> None:
    assert len(posts(table("", "a-1,Hi,one,,,", ",,,,", ",,,,,", "  ", "a-2,Hi,one,,,,,"))) == 2


def test_two_lines_for_the_same_post_and_account_are_a_fault() -> None:
    file = table("a-1,First,one,,,", "a-1,Second,one;two,,,", "a-1,Third,two,,,")

    assert problem(file) == "post_id: 'a-1' for 'one' is in line 2 already; give this post an id of its own"
    assert [line.number for line in file.posts] == [2, 4]


def test_times_without_a_zone_are_in_the_default_zone_and_counted() -> None:
    rows = ("a-1,Hi,one,2027-03-28 09:00,,", "a-2,Hi,one,2027-03-28T09:00Z,,", "a-3,Hi,one,2027-03-28 09:00,UTC,")

    file = table(*rows, zone="Europe/Berlin")

    assert posts(file)[0]["publish_at"] == {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"}
    assert file.in_default_zone == 1


def test_excels_first_line_names_the_delimiter() -> None:
    assert posts(read(b"sep=|\r\npost_id|content|accounts\r\na-1|Hello|demo-one\r\n")) == [POST]


@pytest.mark.parametrize("content", [b" \n\n", b"", b"[]", f"{HEADER}\n,,,\n".encode()])
def test_a_file_without_posts_says_so(content: bytes) -> None:
    assert problem(read(content)) == "there is no post in the file"


@pytest.mark.parametrize(
    "content", [b'{"post_id":' + b"[" * 100_000, b"[" * 100_000, b'{"post_id": ' + b"9" * 6000, b"\0\0"]
)
def test_nothing_in_a_file_breaks_the_reading(content: bytes) -> None:
    assert len(read(content).faults) == 1


def test_ten_thousand_posts_with_a_fault_in_each_are_read_within_seconds() -> None:
    rows = (f'a-{number},"open,one,,,' for number in range(10_000))

    assert [line.number for line in table(*rows).faults] == list(range(2, 10_002))


def test_a_quote_in_the_midst_of_every_line_takes_no_longer_the_longer_the_file_is() -> None:
    line = b'p,"He said "hi" to me",team\n'

    def seconds(lines: int) -> float:
        began = time.process_time()
        assert len(read(b"post_id,content,accounts\n" + line * lines).faults) == lines
        return time.process_time() - began

    assert seconds(40_000) < 12 * max(seconds(8_000), 0.02)


def test_quotes_that_are_never_closed_are_not_looked_for_again_and_again() -> None:
    line = b'a","\n'

    def seconds(lines: int) -> float:
        began = time.process_time()
        faults = read(b"post_id,content,accounts\n" + line * lines, most_faults=10_000).faults
        assert faults[-1].problem == "too many quotes before this line are never closed; the rest is not read"
        return time.process_time() - began

    assert seconds(40_000) < 12 * max(seconds(8_000), 0.02)


def test_a_first_line_of_many_quotes_takes_no_longer_the_longer_it_is() -> None:
    """It is no table; what was tried to find that out took 85 s for 120 KB, in which the console did nothing else."""

    def seconds(times: int) -> float:
        began = time.process_time()
        assert read(b',"x' * times).faults
        return time.process_time() - began

    assert seconds(40_000) < 12 * max(seconds(8_000), 0.02)


def test_of_very_many_columns_a_few_are_told() -> None:
    file = read(b"post_id,content,accounts" + b",x" * 100_000 + b"\n")

    assert problem(file).endswith("; 99,990 more are no columns either")
    assert len(problem(file)) < 2_000


def test_after_so_many_faults_as_one_wants_the_rest_is_a_fault() -> None:
    file = read(b"post_id,content,accounts\n" + b"x\n" * 20 + b"p,Hello.,team\n", most_faults=5)

    assert [line.number for line in file.faults] == [2, 3, 4, 5, 6, 7]
    assert file.posts == []
    assert "5 lines before this one have faults" in str(file.faults[-1].problem)
    assert len(read(b"post_id,content,accounts\n" + b"x\n" * 5 + b"p,Hello.,team\n", most_faults=5).posts) == 1
