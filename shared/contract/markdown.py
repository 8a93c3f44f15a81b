"""The AsyncAPI document as Markdown: what `docs/events.md` holds, and what the page at /asyncapi shows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.reference.fields import as_table, fields_of
from shared.reference.page import anchor

Json = Mapping[str, Any]


def contents(document: Json) -> str:
    """A list of links to the events, by chapter."""
    parts = []
    for chapter, messages in _chapters(document).items():
        links = "\n".join(f"- [{name}](#{anchor(name)})" for name in messages)
        parts.append(f"**{chapter}**\n\n{links}\n")
    return "\n".join(parts)


def body(document: Json) -> str:
    """Everything but the title and the contents."""
    return "\n".join(_body(document))


def _body(document: Json) -> Iterator[str]:
    yield document["info"]["description"] + "\n"
    yield "## The envelope\n"
    yield "Timeball's messages have these AMQP properties; what is marked `?`, here and below, may be left out:\n"
    envelope = document["components"]["messageTraits"]["envelope"]
    yield as_table(list(fields_of(envelope["x-amqp-properties"], {})))
    for chapter, messages in _chapters(document).items():
        yield f"## {chapter}\n"
        for message in messages.values():
            yield from _event(message, document["components"]["schemas"])


def _chapters(document: Json) -> dict[str, dict[str, Json]]:
    chapters: dict[str, dict[str, Json]] = {}
    for name, message in document["components"]["messages"].items():
        chapters.setdefault(message["tags"][0]["name"], {})[name] = message
    return chapters


def _event(message: Json, schemas: Mapping[str, Json]) -> Iterator[str]:
    yield f"### {message['name']}\n"
    yield message["summary"] + (f" {message['description']}" if "description" in message else "") + "\n"
    emitted, taken = _names(message["x-emitted-by"]), _names(message["x-taken-by"])
    answered = ", ".join(f"`{name}`" for name in message["x-answered-by"])
    yield (
        f"Emitted by {emitted}"
        + (f"; taken by {taken}" if taken else "")
        + (f"; answered by {answered}" if answered else "")
        + ".\n"
    )
    payload = schemas[message["payload"]["$ref"].rpartition("/")[2]]
    yield as_table(list(fields_of(payload, schemas)))
    for example in message["examples"]:
        yield f"```json\n{json.dumps(example['payload'], indent=2, ensure_ascii=False)}\n```\n"


def _names(services: Sequence[str]) -> str:
    names = [name if name == "anyone" else f"`{name}`" for name in services]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
