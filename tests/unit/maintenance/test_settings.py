"""A wrong setting ends the start, and says which one without showing a secret."""

import pytest
from pydantic import ValidationError

from services.maintenance.settings import Settings

BROKER = "amqp://localhost/"


def test_targets_are_separated_by_spaces_or_commas() -> None:
    settings = Settings(broker_url=BROKER, notify_urls="json://a:b@host/x?to=1,2, jsons://second/\nxml://third/")

    assert settings.targets == ["json://a:b@host/x?to=1,2", "jsons://second/", "xml://third/"]


def test_no_target_is_no_problem() -> None:
    assert Settings(broker_url=BROKER).targets == []


def test_a_target_that_no_one_understands_is_named_by_its_place_and_kind() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(broker_url=BROKER, notify_urls="json://host/ nowhere://hush-hush@host/")

    messages = [error["msg"] for error in caught.value.errors()]
    assert messages == [
        "Value error, target 2: not an Apprise URL that can be used here (scheme 'nowhere'); "
        "see the list at https://github.com/caronc/apprise/wiki"
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"retention_days": 0.5}, {"analytics_zone": "Mars/Olympus"}, {"keep_failed": -1}, {"failing_alert_posts": 0}],
)
def test_a_value_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"broker_url": BROKER} | wrong)


def test_the_targets_do_not_show() -> None:
    assert "hush-hush" not in repr(Settings(broker_url=BROKER, notify_urls="json://u:hush-hush@host/"))
