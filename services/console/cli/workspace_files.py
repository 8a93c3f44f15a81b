"""Workspaces in files: YAML or JSON, one workspace, a list of them, or several YAML documents."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.base import explain
from shared.events.requests import WorkspaceConfigured

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
    entries = [_entry(path, number, told) for number, told in enumerate(_parts(path), start=1)]
    if not entries:
        raise UnreadableWorkspaces(f"{path}: there is no workspace in it")
    seen: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        if entry.workspace_id in seen:
            raise UnreadableWorkspaces(f"{path}: entry {number}: {entry.workspace_id!r} is there twice; name it once")
        seen.add(entry.workspace_id)
    return entries


def _parts(path: Path) -> Iterator[Any]:
    for document in _documents(path):
        if isinstance(document, dict) and set(document) == {"workspaces"}:
            document = document["workspaces"]  # noqa: PLW2901
        if isinstance(document, list):
            yield from document
        elif document is not None:
            yield document


def _documents(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8")
        return [json.loads(text)] if path.suffix.lower() == ".json" else list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableWorkspaces(f"{path}: cannot be read ({type(error).__name__})") from error
    except json.JSONDecodeError as error:
        raise UnreadableWorkspaces(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableWorkspaces(f"{path}:{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableWorkspaces(f"{path}: not YAML ({type(error).__name__})") from None


def _entry(path: Path, number: int, told: Any) -> Entry:
    if not isinstance(told, dict):
        raise UnreadableWorkspaces(f"{path}: entry {number}: not a workspace but {type(told).__name__}")
    name = told.get("workspace_id")
    place = f"{path}: entry {number}" + (f" ({name!r})" if isinstance(name, str) else "")
    if unknown := sorted(map(str, set(told) - _KNOWN)):
        raise UnreadableWorkspaces(f"{place}: {unknown[0]}: no such field; there are {', '.join(sorted(_KNOWN))}")
    urls = told.get("notify_urls") or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise UnreadableWorkspaces(f"{place}: notify_urls: must be a list of Apprise URLs")
    body = {"monitoring_enabled": True, **told}
    if isinstance(told.get("keywords"), list):
        body["keywords"] = list(map(_keyword, told["keywords"]))
    return _checked(place, body, tuple(urls))


def _keyword(told: Any) -> Any:
    """A plain text is a keyword too."""
    return {"phrase": told} if isinstance(told, str) else told


def _checked(place: str, body: dict[str, Any], urls: tuple[str, ...]) -> Entry:
    without_urls = {name: value for name, value in body.items() if name != "notify_urls"}
    try:
        event = WorkspaceConfigured.model_validate_json(json.dumps(without_urls))
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
