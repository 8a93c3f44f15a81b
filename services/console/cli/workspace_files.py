"""Workspaces in files: YAML or JSON, one workspace, a list of them, or several YAML documents."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from pydantic import ValidationError

from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.explaining import explain
from shared.events.reading import read_json
from shared.events.requests import WorkspaceConfigured

_TAG = "tag:yaml.org,2002:"
_EXAMPLE = "`{workspace_id: team, subreddits: [sailing], keywords: [time ball]}`"
_KINDS = {str: "a text", int: "a number", float: "a number", bool: "true or false", list: "a list", NoneType: "nothing"}
_KNOWN = {"workspace_id", "monitoring_enabled", "subreddits", "keywords", "notify_urls", "notify", "digest"}


class UnreadableWorkspaces(Exception):
    """The file holds something else; the text names the file, the entry and the field."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One workspace of a file: the body of its request without the targets, and the targets in clear."""

    workspace_id: str
    body: Mapping[str, Any]
    notify_urls: tuple[str, ...]


def workspaces_in(path: Path) -> list[Entry]:
    """Every workspace of the file, or UnreadableWorkspaces: all of it is read before any of it is sent."""
    entries = [_entry(found, number) for number, found in enumerate(_found_in(path), start=1)]
    if not entries:
        raise UnreadableWorkspaces(f"{path}: there is no workspace in it")
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if entry.workspace_id in seen:
            raise UnreadableWorkspaces(f"{path}: entry {number}: {entry.workspace_id!r} is there twice; name it once")
        seen.add(entry.workspace_id)
    return entries


@dataclass(frozen=True, slots=True)
class Found:
    """What stands where a workspace is expected: `place` is the file, and the line where that is known."""

    place: str
    told: Any


def _found_in(path: Path) -> Iterator[Found]:
    read = _in_json if path.suffix.lower() == ".json" else _in_yaml
    try:
        yield from read(path, path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UnreadableWorkspaces(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UnreadableWorkspaces(f"{path}: not UTF-8: save it in that encoding") from error
    except json.JSONDecodeError as error:
        raise UnreadableWorkspaces(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableWorkspaces(f"{path}:{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError):
        raise UnreadableWorkspaces(f"{path}: not YAML, or one thing within another too often") from None


def _in_json(path: Path, text: str) -> Iterator[Found]:
    document = json.loads(text)
    if isinstance(document, dict) and set(document) == {"workspaces"}:
        document = document["workspaces"]
    for told in document if isinstance(document, list) else [document]:
        yield Found(str(path), told)


def _in_yaml(path: Path, text: str) -> Iterator[Found]:
    """Each workspace with the line on which it begins."""
    loader = yaml.SafeLoader(text)
    while loader.check_node():
        for node in _nodes_of(loader.get_node()):
            yield Found(f"{path}:{node.start_mark.line + 1}", loader.construct_document(node))


def _nodes_of(document: yaml.Node | None) -> Sequence[yaml.Node]:
    """The workspaces of a document; what has a tag of its own is none of them, and left to be refused."""
    if isinstance(document, yaml.MappingNode) and [key.value for key, _ in document.value] == ["workspaces"]:
        document = document.value[0][1]
    if document is None or document.tag == f"{_TAG}null":
        return []
    return document.value if document.tag == f"{_TAG}seq" else [document]


def _entry(found: Found, number: int) -> Entry:
    told = found.told
    place = f"{found.place}: entry {number}"
    if not isinstance(told, dict):
        raise UnreadableWorkspaces(
            f"{place}: expected a workspace, such as {_EXAMPLE}, but found {_in_words(told)} (see docs/monitor.md)"
        )
    name = told.get("workspace_id")
    place += f" ({name!r})" if isinstance(name, str) else ""
    if unknown := sorted(map(str, set(told) - _KNOWN)):
        raise UnreadableWorkspaces(f"{place}: {unknown[0]}: no such field; there are {', '.join(sorted(_KNOWN))}")
    urls = told.get("notify_urls") or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise UnreadableWorkspaces(f"{place}: notify_urls: must be a list of Apprise URLs")
    body = {"monitoring_enabled": True} | {name: value for name, value in told.items() if value is not None}
    if isinstance(told.get("keywords"), list):
        body["keywords"] = list(map(_keyword, told["keywords"]))
    return _checked(place, body, tuple(urls))


def _in_words(told: Any) -> str:
    """What kind of thing it is; what it says is not repeated, as it may be a secret."""
    return _KINDS.get(type(told), "something else")


def _keyword(told: Any) -> Any:
    """A plain text is a keyword too."""
    return {"phrase": told} if isinstance(told, str) else told


def _checked(place: str, body: dict[str, Any], urls: tuple[str, ...]) -> Entry:
    without_urls = {name: value for name, value in body.items() if name != "notify_urls"}
    try:
        event = read_json(WorkspaceConfigured, json.dumps(without_urls).encode())
        if event.digest:
            zone_named(event.digest.zone)
    except ValidationError as error:
        raise UnreadableWorkspaces(f"{place}: {explain(error)}") from None
    except UnknownZone as error:
        raise UnreadableWorkspaces(f"{place}: digest.zone: {error}") from None
    except (TypeError, ValueError) as error:
        raise UnreadableWorkspaces(f"{place}: a value is of a kind that JSON does not know ({error})") from None
    told = event.model_dump(mode="json", exclude={"workspace_id", "sealed_notify", "configured_at"}, exclude_none=True)
    return Entry(event.workspace_id, told, urls)
