"""Accounts to choose from stand under their networks."""

from services.console.web.networks import by_network


def test_accounts_stand_under_their_networks_in_order() -> None:
    accounts = [("zoo", "mastodon"), ("news", None), ("attic", "mastodon"), ("x", "bluesky")]

    assert by_network(accounts) == [("Bluesky", ["x"]), ("Mastodon", ["attic", "zoo"]), ("not known", ["news"])]
