"""What the publisher tells a console that rebuilds its read model, page by page, on both databases."""

import pytest

from services.publisher import own_state
from services.publisher.own_state import OwnState
from services.publisher.sending.facts import as_text, skipped
from services.publisher.store import Store
from shared.database.engine import Database
from tests.support.publications import a_publication, a_stored_account

SECRET = "never to be told"


async def test_accounts_are_told_without_credentials_and_posts_with_their_last_fact(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_state, "PAGE", 2)
    outcome = as_text(skipped(a_publication(), "too_late"))
    async with store.unit() as unit:
        for number in range(5):
            await unit.save_account(a_stored_account(account_id=f"a-{number}", credentials=SECRET, renewed=SECRET))
        told_of = [a_publication(post_id=f"p-{number}", outcome=outcome) for number in range(5)]
        await unit.save([*told_of, a_publication(post_id="p-0-claimed", outcome=None)])

    database = Database(database_url)
    parts = [part async for part in OwnState("publisher", store, database).parts()]
    await database.close()

    assert [one.account_id for part in parts for one in part.accounts] == [f"a-{number}" for number in range(5)]
    facts = [one for part in parts for one in part.facts]
    assert [(one.type, one.body["reason"]) for one in facts] == [("publish.skipped", "too_late")] * 5
    assert {one.changed_at for one in facts} == {a_publication().updated_at}
    assert not [part for part in parts if SECRET in part.model_dump_json()]
