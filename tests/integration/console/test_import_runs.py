"""Imports in the database: what may have been sent is known as such, and then overwrites nothing."""

from services.console.api.import_work import request_for
from services.console.imports import read
from services.console.requests.import_runs import ImportRuns
from tests.support.schedules import NOON

FILE = read(b"post_id,content,accounts\np-1,Hello,plain\n")


async def test_a_batch_that_was_sent_is_known_to_be_sent_again(imports: ImportRuns) -> None:
    run_id = await imports.prepare("posts.csv", FILE, {}, by="anna", now=NOON)
    first = await imports.next_batch(run_id)
    assert first

    await imports.note_sending(run_id, first, NOON)
    again = await imports.next_batch(run_id)

    assert (first.is_repeated, again and again.is_repeated) == (False, True)


async def test_only_what_overwrites_expects_nothing(imports: ImportRuns) -> None:
    """Sent again, an import expects its posts not to be there, or to be the same: else an edit would be undone."""
    run_id = await imports.prepare("posts.csv", FILE, {}, by="anna", now=NOON)
    batch = await imports.next_batch(run_id)
    assert batch

    overwriting = request_for(run_id, batch, overwrite=True)
    careful = request_for(run_id, batch, overwrite=False)

    (overwriting_post,), (careful_post,) = overwriting.posts, careful.posts
    assert isinstance(overwriting_post, dict)
    assert isinstance(careful_post, dict)
    assert (overwriting_post.get("expected_revision"), careful_post.get("expected_revision")) == (None, 0)
    assert overwriting.batch_id == careful.batch_id
