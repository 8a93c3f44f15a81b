"""`timeball schedule --every … --times …`."""

import pytest

from tests.unit.console.test_cli import ACCEPTED, SETTLED, answered

AT = ("schedule", "Hello", "--to", "a", "--id", "p", "--at", "2027-03-28 09:00", "--zone", "Europe/Berlin")


def test_a_post_that_repeats_is_sent_as_one_request() -> None:
    answer = SETTLED | {"accepted": [ACCEPTED], "posts": []}

    result, api = answered({"POST /v1/posts:repeat": (202, answer)}, *AT, "--every", "weekday", "--times", "8")

    assert result.exit_code == 0
    assert "p scheduled on a" in result.stdout
    ((_, sent),) = api.requests
    assert sent["repeat"] == {"every": "weekday", "times": 8}
    assert sent["post"]["publish_at"] == {"local": "2027-03-28T09:00:00", "zone": "Europe/Berlin"}


def test_what_is_to_be_said_of_many_posts_is_said_once() -> None:
    accepted = [ACCEPTED | {"post_id": f"p.{day}", "warning": "duplicate_text"} for day in (1, 2, 3)]
    answer = SETTLED | {"accepted": accepted, "posts": []}

    result, _ = answered({"POST /v1/posts:repeat": (202, answer)}, *AT, "--every", "day", "--times", "3")

    assert result.stdout.splitlines()[-1] == "  the same text is on a already, within 24 hours of it (3 posts)"
    assert result.stdout.count("the same text") == 1


@pytest.mark.parametrize(
    ("waiting", "named"),
    [([], "p.3"), ([{"post_id": "p.2", "account_id": "b"}], "p.2")],
)
def test_of_posts_that_are_not_all_answered_one_is_named_that_there_is(
    waiting: list[dict[str, str]], named: str
) -> None:
    """No post has the id that theirs begin with: whoever looked for it would be told that it is not known."""
    accepted = [ACCEPTED | {"post_id": f"p.{day}"} for day in (1, 2)]
    posts = [{"post_id": f"p.{day}"} for day in (1, 2, 3)]
    answer = SETTLED | {"batch_id": "p", "accepted": accepted, "posts": posts, "waiting": waiting, "pending": True}

    result, _ = answered({"POST /v1/posts:repeat": (202, answer)}, *AT, "--every", "day", "--times", "3")

    assert f"`timeball status {named}` tells what became of it" in result.stdout


def test_who_does_not_know_whether_posts_are_scheduled_is_told_to_look_at_the_first() -> None:
    failed = (503, {"code": "broker_unavailable", "detail": "it may not have arrived"})

    result, _ = answered({"POST /v1/posts:repeat": failed}, *AT, "--every", "weekday", "--times", "3")

    assert "look with `timeball status p.20270329T090000`, ask again with --id p" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*AT, "--every", "week"), "--every and --times go together"),
        ((*AT, "--times", "3"), "--every and --times go together"),
        (("schedule", "x", "--to", "a", "--in", "5m", "--every", "day", "--times", "2"), "goes by a clock"),
    ],
)
def test_what_cannot_repeat_is_told_before_anything_is_sent(arguments: tuple[str, ...], said: str) -> None:
    result, api = answered({}, *arguments)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert api.requests == []
