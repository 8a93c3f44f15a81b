"""The AsyncAPI 3 document of the contract: of all of it, or of what one service emits and takes."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.contract.entries import CONSOLE, Entry, entries
from shared.contract.examples import EXAMPLES
from shared.contract.fields import meaning_of
from shared.messaging.topology import EVENTS_EXCHANGE

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/"
ASYNCAPI_VERSION = "3.0.0"
CONTRACT_VERSION = "1.0.0"
_BINDING_VERSION = "0.3.0"

_ABOUT = f"""\
Timeball publishes posts at their instants. Other systems speak with it over RabbitMQ, in any language: they \
send requests to the topic exchange `{EVENTS_EXCHANGE}` and bind queues of their own to it for the facts they want. \
The console takes every event, to show what happens.

The routing key of a message is the event's type, and its body a JSON object in UTF-8, of at most 8 MiB. Instants are \
RFC 3339 with an offset. Fields may be added and are to be ignored by who does not know them; none is renamed or \
removed. An optional field that is `null` counts as not given. What would break a reader comes as a new type \
beside the old one (`publish.requested.v2`)."""

PROPERTIES: Json = {
    "type": "object",
    "properties": {
        "content_type": {"type": "string", "const": "application/json", "description": "What the body is."},
        "delivery_mode": {"type": "integer", "const": 2, "description": "The message survives a restart."},
        "type": {
            "type": "string",
            "description": "The event's type, the same as the routing key; absent: the routing key is.",
        },
        "message_id": {
            "type": "string",
            "format": "uuid",
            "description": "The message; a producer of another system may leave it out.",
        },
        "correlation_id": {
            "type": "string",
            "description": (
                "Carried from a request to every event that follows from it, up to 200 characters without control "
                "characters; absent or another: the `message_id`, or an id derived from the body."
            ),
        },
        "timestamp": {"type": "integer", "description": "When it was sent, in seconds of POSIX."},
        "app_id": {"type": "string", "description": "Who sent it."},
    },
}
"""The AMQP properties of every message. AsyncAPI keeps them out of `headers`, which are the application's own."""


@cache
def contract_of(service: str) -> Json:
    """The document that a service serves: the whole contract at the console, which takes every event."""
    return document(None if service == CONSOLE else service)


def document(service: str | None = None) -> Json:
    """The contract as the world sees Timeball; or as it is for one service, where that is named."""
    chosen = [entry for _, entry in entries(service)]
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": f"Timeball {service}: events" if service else "Timeball: events",
            "version": CONTRACT_VERSION,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "The RabbitMQ of TIMEBALL_BROKER_URL.",
                "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "5672"}},
            }
        },
        "channels": {entry.name: _channel(entry) for entry in chosen},
        "operations": {name: body for entry in chosen for name, body in _operations(entry, service)},
        "components": {
            "messages": {entry.name: _message(chapter, entry) for chapter, entry in entries(service)},
            "messageTraits": {"envelope": {"contentType": "application/json", "x-amqp-properties": PROPERTIES}},
            "schemas": _schemas(chosen),
        },
    }


def _channel(entry: Entry) -> Json:
    exchange = {"name": EVENTS_EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
    return {
        "address": entry.name,
        "title": entry.name,
        "summary": entry.summary,
        "messages": {entry.name: {"$ref": f"#/components/messages/{entry.name}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": _BINDING_VERSION}},
    }


def _operations(entry: Entry, service: str | None) -> Iterable[tuple[str, Json]]:
    """What Timeball, or the service, does with the event."""
    takes = service in entry.taken_by if service else entry.is_request
    emits = service in entry.emitted_by if service else not entry.is_request
    if takes:
        yield f"receive {entry.name}".replace(" ", "-"), _operation(entry, "receive")
    if emits:
        yield f"send {entry.name}".replace(" ", "-"), _operation(entry, "send")


def _operation(entry: Entry, action: str) -> Json:
    binding = {"deliveryMode": 2, "mandatory": False, "timestamp": True, "ack": True}
    return {
        "action": action,
        "summary": entry.summary,
        "channel": {"$ref": f"#/channels/{entry.name}"},
        "messages": [{"$ref": f"#/channels/{entry.name}/messages/{entry.name}"}],
        "bindings": {"amqp": binding | {"bindingVersion": _BINDING_VERSION}},
    }


def _message(chapter: str, entry: Entry) -> Json:
    described = _prose(entry.event.__doc__)
    return {
        "name": entry.name,
        "title": entry.name,
        "summary": entry.summary,
        **({"description": described} if described else {}),
        "tags": [{"name": chapter}],
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": {"$ref": f"{SCHEMAS}{entry.event.__name__}"},
        "bindings": {"amqp": {"contentEncoding": "utf-8", "messageType": entry.name, "bindingVersion": "0.3.0"}},
        "examples": [{"name": "example", "summary": entry.summary, "payload": EXAMPLES[entry.name]}],
        "x-emitted-by": list(entry.emitted_by),
        "x-taken-by": list(entry.taken_by),
        "x-answered-by": list(entry.answered_by),
    }


def _prose(docstring: str | None) -> str:
    """A docstring as one paragraph a blank line."""
    paragraphs = (docstring or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()


def _schemas(chosen: Sequence[Entry]) -> Json:
    models = [(entry.event, "validation") for entry in chosen]
    _, found = models_json_schema(models, ref_template=SCHEMAS + "{model}")  # type: ignore[arg-type]
    return {name: _explained(name, schema) for name, schema in found["$defs"].items()}


def _explained(name: str, schema: Mapping[str, Any]) -> Json:
    """The schema with what its fields mean, and without the titles that only repeat their names."""
    fields = {
        field: _explained_field(part, meaning_of(name, field)) for field, part in schema.get("properties", {}).items()
    }
    explained = dict(schema) | ({"properties": fields} if fields else {})
    if "description" in explained:
        explained["description"] = _prose(explained["description"])
    return explained


def _explained_field(schema: Mapping[str, Any], meaning: str) -> Json:
    """A reference stands alone: up to draft 7 of JSON Schema, what is beside it does not count."""
    plain = {keyword: part for keyword, part in schema.items() if keyword not in ("title", "$ref")}
    refers = {"allOf": [{"$ref": schema["$ref"]}]} if "$ref" in schema else {}
    return {"description": meaning} | refers | plain
