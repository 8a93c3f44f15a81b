"""What the routes of the API and of the pages depend on."""

import inspect
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from services.console.api import Console, application
from services.console.web.mounting import mount_pages
from shared.process.health import Health


def called(dependant: Dependant) -> Iterator[Any]:
    """Everything that is called before the route is."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from called(dependency)


def is_asynchronous(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


def test_no_request_waits_for_a_thread() -> None:
    """What is not asynchronous would run in one, which costs more than most of it does; classes only keep values."""
    app = mount_pages(application(cast(Console, SimpleNamespace()), Health("console", {})))

    dependants = [getattr(context, "dependant", None) for context in iter_route_contexts(list(app.routes))]
    calls = {call for dependant in dependants if dependant for call in called(dependant)}

    assert [call for call in calls if not inspect.isclass(call) and not is_asynchronous(call)] == []
    assert len(calls) > 5
