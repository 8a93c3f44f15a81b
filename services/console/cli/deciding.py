"""`timeball retry` and `resolve`: what a person decides on posts that failed, are held, or may be out."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.console.cli.calling import JsonFlag, called, wrong
from services.console.cli.client import Client, in_path
from services.console.cli.exit_codes import NOT_YET, REFUSED
from services.console.cli.outcomes import UNDER_WAY, Wait, end_unless_published, outcomes, show_outcomes
from services.console.cli.screen import complain, say, show_json

RETRIABLE = ("failed", "held")

AskNetwork = Annotated[
    bool,
    typer.Option(
        "--ask-network", help="Send the very same request again where the network recognises it; else look it up there."
    ),
]
Accounts = Annotated[list[str] | None, typer.Option("--account", help="Only on this account; several times.")]


def retry(
    post_id: Annotated[str | None, typer.Argument(metavar="[POST]")] = None,
    *,
    account: Accounts = None,
    held: Annotated[bool, typer.Option("--held", help="Every held post of the account, once it is connected.")] = False,
    wait: Wait = True,
    as_json: JsonFlag = False,
) -> None:
    """Publish a failed or held post again, now.

    timeball retry spring-sale

    timeball retry spring-sale --account mastodon-team

    timeball retry --held --account mastodon-team

    Of --held posts no outcome is waited for.
    """
    if held:
        _retry_held(post_id, account or [], as_json=as_json)
    elif post_id is None:
        wrong("name the post, or say --held and the --account whose held posts are meant")
    else:
        _retry_post(post_id, account or [], waits=wait, as_json=as_json)


def _retry_post(post_id: str, accounts: Sequence[str], *, waits: bool, as_json: bool) -> None:
    if not waits:
        _show_asked(post_id, called(lambda client: _ask_again(client, post_id, accounts)), as_json=as_json)
        return
    posts = called(lambda client: _tried_again(client, post_id, accounts))
    show_json({"post_id": post_id, "accounts": posts}) if as_json else show_outcomes(posts)
    end_unless_published(posts)


def _show_asked(post_id: str, asked: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json({"post_id": post_id, "accounts": asked})
        return
    for one in asked:
        say(f"{post_id} is published again on {one['account_id']}", "green")
    say(f"`timeball status {post_id}` tells what becomes of it")


async def _tried_again(client: Client, post_id: str, accounts: Sequence[str]) -> list[dict[str, Any]]:
    asked = await _ask_again(client, post_id, accounts)
    return await outcomes(client, post_id, [one["account_id"] for one in asked], but_for=UNDER_WAY)


async def _ask_again(client: Client, post_id: str, accounts: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for those that are named, which the console may refuse, else for all that can be tried again."""
    wanted = accounts or await _retriable(client, post_id)
    return [{"account_id": one, **await client.call("POST", _path(post_id, one, "retry"))} for one in wanted]


async def _retriable(client: Client, post_id: str) -> list[str]:
    details = await client.call("GET", f"/v1/posts/{in_path(post_id)}")
    found = [post["account_id"] for post in details["accounts"] if post["state"] in RETRIABLE]
    if not found:
        complain(f"{post_id} is nowhere failed or held: it is {_states(details)}")
        raise typer.Exit(REFUSED)
    return found


def _retry_held(post_id: str | None, accounts: Sequence[str], *, as_json: bool) -> None:
    if post_id is not None or len(accounts) != 1:
        wrong("--held is about all held posts of one account: timeball retry --held --account ACCOUNT")
    (account_id,) = accounts
    post_ids = called(lambda client: _ask_for_held(client, account_id))
    if as_json:
        show_json({"account_id": account_id, "post_ids": post_ids})
    elif post_ids:
        say(f"{len(post_ids)} held posts of {account_id} are published again", "green")
    else:
        say(f"{account_id} holds no posts")


async def _ask_for_held(client: Client, account_id: str) -> list[str]:
    post_ids, cursor = list[str](), None
    while True:
        page = await client.call("POST", f"/v1/accounts/{in_path(account_id)}:retry-held", cursor=cursor)
        post_ids += page["post_ids"]
        cursor = page["next"]
        if cursor is None:
            return post_ids


def resolve(
    post_id: Annotated[str, typer.Argument(metavar="POST")],
    platform_post_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="With --published: the post's id on its network.")
    ] = None,
    *,
    account: Annotated[
        str | None, typer.Option(help="The account on which its outcome is unknown, where that is so on several.")
    ] = None,
    published: Annotated[bool, typer.Option("--published", help="You found it on the network.")] = False,
    not_published: Annotated[bool, typer.Option("--not-published", help="You found that it is not there.")] = False,
    ask_network: AskNetwork = False,
    wait: Wait = True,
    as_json: JsonFlag = False,
) -> None:
    """Settle a post that may be out: as you found it there, or by the network.

    timeball resolve spring-sale --account mastodon-team --published 113456789

    timeball resolve spring-sale --account mastodon-team --not-published

    timeball resolve spring-sale --ask-network

    What was not published is then failed, and `timeball retry` publishes it.
    """
    outcome = resolution(published=published, not_published=not_published, ask_network=ask_network)
    if platform_post_id is not None and not published:
        wrong("an id on the network belongs to --published: leave it out")
    body = {"outcome": outcome} | ({"platform_post_id": platform_post_id} if platform_post_id is not None else {})
    where, answer = called(lambda client: _settled(client, post_id, account, body, waits=wait))
    show_json(answer) if as_json else _show_settled(post_id, where, answer)
    if wait and (answer["pending"] or answer["state"] in UNDER_WAY):
        raise typer.Exit(NOT_YET)
    if answer["state"] == "unknown":
        raise typer.Exit(REFUSED)


def resolution(*, published: bool, not_published: bool, ask_network: bool) -> str:
    """The one that was chosen."""
    ways = {"published": published, "not_published": not_published, "ask_network": ask_network}
    chosen = [way for way, is_chosen in ways.items() if is_chosen]
    if len(chosen) != 1:
        wrong("say one of --published, --not-published (what you found on the network) and --ask-network")
    return chosen[0]


def _show_settled(post_id: str, account: str, answer: dict[str, Any]) -> None:
    if answer["pending"]:
        say(f"asked for; the publisher has not answered yet, and `timeball status {post_id}` tells later", "yellow")
    elif answer["state"] in UNDER_WAY:
        say(f"{account} is asked about {post_id}; `timeball status {post_id}` tells later what came of it", "yellow")
    elif answer["state"] == "published":
        say(f"{post_id} counts as published on {account}", "green")
    elif answer["state"] == "unknown":
        complain(f"{post_id} is still unknown on {account}: look there, then say --published or --not-published")
    else:
        say(f"{post_id} counts as not published on {account}; `timeball retry {post_id} --account {account}` sends it")


async def _settled(
    client: Client, post_id: str, account: str | None, body: dict[str, Any], *, waits: bool
) -> tuple[str, dict[str, Any]]:
    """The account that is named, else the only one on which the outcome is unknown; and what came of it."""
    where = account or await _only_unknown(client, post_id)
    return where, await _settle(client, post_id, where, body, waits=waits)


async def _only_unknown(client: Client, post_id: str) -> str:
    details = await client.call("GET", f"/v1/posts/{in_path(post_id)}")
    found = [post["account_id"] for post in details["accounts"] if post["state"] == "unknown"]
    if not found:
        complain(f"{post_id} is nowhere unknown: it is {_states(details)}")
        raise typer.Exit(REFUSED)
    if len(found) > 1:
        wrong(f"name the --account: {post_id} is unknown on {', '.join(found)}")
    return str(found[0])


def _states(details: dict[str, Any]) -> str:
    states = ", ".join(f"{post['state']} on {post['account_id']}" for post in details["accounts"])
    return states or "scheduled on no account"


async def _settle(client: Client, post_id: str, account: str, body: dict[str, Any], *, waits: bool) -> dict[str, Any]:
    """Ask, and look for the outcome for a minute where the publisher, or the network, does not answer at once."""
    answer: dict[str, Any] = await client.call("POST", _path(post_id, account, "resolve"), body=body)
    is_asked = answer["state"] in UNDER_WAY
    if waits and (answer["pending"] or is_asked):
        open_states = UNDER_WAY if is_asked else frozenset({"unknown"})
        for post in await outcomes(client, post_id, [account], but_for=open_states):
            answer |= {"state": post["state"], "pending": not is_asked and post["state"] == "unknown"}
    return answer


def _path(post_id: str, account_id: str, verb: str) -> str:
    return f"/v1/posts/{in_path(post_id)}/accounts/{in_path(account_id)}:{verb}"
