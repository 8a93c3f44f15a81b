"""The buckets of accounts and of apps never have the same name."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.limits.gates import LONGEST_NAME, gates_of, name_of_account
from services.publisher.limits.told import told
from services.publisher.platforms.base import Limits
from tests.support.publications import a_stored_account
from tests.support.schedules import NOON

BOTH = Limits(account={"per_second": 1}, app={"per_second": 30})
A_DIGEST = sha256(b"team").hexdigest()


@pytest.mark.parametrize("account_id", ["app:telegram:7", "account:app:telegram:7", "app:" + "x" * 196])
def test_an_account_that_is_called_like_the_bucket_of_an_app_has_one_of_its_own(account_id: str) -> None:
    of_app = gates_of(a_stored_account("telegram", account_id="team", app="7"), BOTH)
    account = a_stored_account("telegram", account_id=account_id, limits='{"per_day": 5}')

    gates = gates_of(account, BOTH)

    assert not gates.keys() & of_app.keys()
    assert all(len(name) <= LONGEST_NAME for name in gates)
    assert [one.is_shared for one in told(account_id, account, gates, {}, NOON).limits] == [False]


def test_an_account_is_not_taken_for_who_connects_another_one() -> None:
    assert name_of_account(f"connecting:{A_DIGEST}") != f"connecting:{A_DIGEST}"


@pytest.mark.parametrize("account_id", ["team", "apple:1", "account:team", "connecting:team", "my-app:telegram:7"])
def test_every_other_account_keeps_the_bucket_that_is_in_use(account_id: str) -> None:
    assert name_of_account(account_id) == account_id


PARTS = ["account:", "app:", "telegram:", "7", f"connecting:{A_DIGEST}"]
IDS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4)


@given(IDS.map("".join), IDS.map("".join))
def test_two_accounts_never_share_a_bucket(one: str, other: str) -> None:
    assert (name_of_account(one) == name_of_account(other)) == (one == other)
