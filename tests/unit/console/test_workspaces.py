"""Workspaces from files: read whole before any is sent, sealed before they leave, and wrong ones named."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.console.cli.workspace_files import UnreadableWorkspaces, workspaces_in
from shared.secrets.sealing import SealingKey
from tests.unit.console.test_cli import answered

YAML = """
workspace_id: team
subreddits: [sailing, clocks]
keywords:
  - time ball
  - {phrase: "C++", match: word, exclude: [jobs], case_sensitive: true}
notify_urls: ["slack://s3cret"]
digest: {at: "09:00", zone: Europe/Berlin}
---
workspace_id: other
monitoring_enabled: false
subreddits: []
keywords: []
"""


def a_file(folder: Path, text: str, name: str = "w.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_that_is_not_there_is_told_in_plain_words(tmp_path: Path) -> None:
    result, api = answered({}, "workspaces", "apply", str(tmp_path / "none.yaml"))

    assert result.exit_code == 2
    assert "none.yaml: cannot be read (No such file or directory)" in " ".join(result.stderr.split())
    assert api.requests == []


def test_workspaces_are_sent_with_sealed_targets(tmp_path: Path) -> None:
    key = SealingKey.generate()
    view = {"workspace_id": "team", "pending": False}
    answers: dict[str, tuple[int, Any]] = {
        "GET /v1/keys": (200, {"monitor": key.public_key}),
        "PUT /v1/workspaces/team": (202, view),
        "PUT /v1/workspaces/other": (202, {"workspace_id": "other", "pending": False}),
    }

    result, api = answered(answers, "workspaces", "apply", str(a_file(tmp_path, YAML)))

    assert result.exit_code == 0, result.output
    assert "team, other" in result.stdout
    _, (_, team), (_, other) = api.requests
    assert key.open_list(team.pop("sealed_notify")) == ["slack://s3cret"]
    assert team["keywords"][0] == {"phrase": "time ball", "match": "word", "exclude": [], "case_sensitive": False}
    assert team["digest"] == {"at": "09:00", "zone": "Europe/Berlin"}
    assert "sealed_notify" not in other
    assert "s3cret" not in json.dumps(api.requests)


def test_a_workspace_that_is_refused_ends_with_1_and_does_not_stop_the_others(tmp_path: Path) -> None:
    refusal = {"code": "invalid", "detail": "keywords: '(' is no regular expression"}
    answers: dict[str, tuple[int, Any]] = {
        "GET /v1/keys": (200, {"monitor": SealingKey.generate().public_key}),
        "PUT /v1/workspaces/team": (400, refusal),
        "PUT /v1/workspaces/other": (202, {"workspace_id": "other", "pending": False}),
    }
    file = str(a_file(tmp_path, YAML))

    result, _ = answered(answers, "workspaces", "apply", file)
    in_json, _ = answered(answers, "workspaces", "apply", file, "--json")

    assert (result.exit_code, in_json.exit_code) == (1, 1)
    assert "1 workspace configured: other" in result.stdout
    assert "team stays as it was: keywords: '('" in result.stderr
    assert json.loads(in_json.stdout)["rejected"] == [{"workspace_id": "team", "reason": refusal["detail"]}]


def test_a_workspace_that_is_not_answered_yet_is_said_to_be_pending(tmp_path: Path) -> None:
    answers: dict[str, tuple[int, Any]] = {
        "GET /v1/keys": (200, {"monitor": SealingKey.generate().public_key}),
        "PUT /v1/workspaces/team": (202, {"workspace_id": "team", "pending": True}),
        "PUT /v1/workspaces/other": (202, {"workspace_id": "other", "pending": False}),
    }

    result, _ = answered(answers, "workspaces", "apply", str(a_file(tmp_path, YAML)))

    assert result.exit_code == 5
    assert "not answered yet: team" in result.stdout


@pytest.mark.parametrize(
    "text",
    [
        '{"workspace_id": "a", "subreddits": [], "keywords": []}',
        '[{"workspace_id": "a", "subreddits": [], "keywords": []}]',
    ],
)
def test_json_is_read_as_well(tmp_path: Path, text: str) -> None:
    assert [entry.workspace_id for entry in workspaces_in(a_file(tmp_path, text, "w.json"))] == ["a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("workspaces: [{workspace_id: a, subreddits: x, keywords: []}]", "entry 1 ('a'): subreddits"),
        (
            "- {workspace_id: a, subreddits: [], keywords: []}\n- 7",
            "w.yaml:2: entry 2: expected a workspace, such as `{workspace_id: team, subreddits: [sailing], "
            "keywords: [time ball]}`, but found a number",
        ),
        ("slack://s3cret", "w.yaml:1: entry 1: expected a workspace"),
        ("- {workspace_id: a, subreddits: [], keywords: []}\n-", "w.yaml:2: entry 2: expected a workspace"),
        ("workspaces:\n\n  team", "w.yaml:3: entry 1: expected a workspace"),
        ("{workspace_id: a, subreddits: [], keywords: [{phrase: x, match: magic}]}", "keywords[0].match"),
        ("{workspace_id: a, subreddit: [], keywords: []}", "subreddit: no such field"),
        ("{workspace_id: a, keywords: []}", "subreddits: this field is required"),
        ("{workspace_id: a, subreddits: [], keywords: [], notify_urls: slack://s3cret}", "notify_urls: must be a list"),
        ("{workspace_id: a, subreddits: [], keywords: [], digest: {at: '9', zone: UTC}}", "digest.at"),
        ("{workspace_id: a, subreddits: [], keywords: [], digest: {at: '09:00', zone: X}}", "digest.zone: unknown"),
        (
            "{workspace_id: a, subreddits: [], keywords: []}\n---\n{workspace_id: a, subreddits: [], keywords: []}",
            "twice",
        ),
        ("a: [", "w.yaml:"),
        ("", "no workspace"),
        ("{workspace_id: 2026-01-01, subreddits: [], keywords: []}", "entry 1"),
        ("!!python/object/apply:os.system [true]", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_entry_and_field(tmp_path: Path, text: str, reason: str) -> None:
    path = a_file(tmp_path, text)

    with pytest.raises(UnreadableWorkspaces) as raised:
        workspaces_in(path)

    assert reason in str(raised.value)
    assert "w.yaml" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_a_wrong_file_ends_before_anything_is_sent(tmp_path: Path) -> None:
    result, api = answered({}, "workspaces", "apply", str(a_file(tmp_path, "7")))

    assert result.exit_code == 2
    assert api.requests == []


def test_a_workspace_is_removed() -> None:
    answers: dict[str, tuple[int, Any]] = {
        "DELETE /v1/workspaces/team": (202, {"workspace_id": "team", "pending": False})
    }

    result, _ = answered(answers, "workspaces", "remove", "team")

    assert (result.exit_code, result.stdout.strip()) == (0, "team is removed")
