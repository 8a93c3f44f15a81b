"""The API keeps to its OpenAPI document, whatever it is sent: Schemathesis makes up right requests and wrong ones."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.console.world import World, a_world
from tests.nodes import Broker
from tests.support.system import started

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "ignored_auth",
)  # fmt: skip
"""Not among them: what a network never takes is refused however well formed, a disconnected account can still be seen,
and since an id may have slashes the path of `:retry` is also that of a post."""


@pytest_asyncio.fixture
async def world(broker_node: Broker, tmp_path: Path) -> AsyncIterator[World]:
    """Every service that the API speaks with, and an account on the sink."""
    async with a_world(tmp_path, broker_node) as running:
        await started(running.system, "monitor", "maintenance")
        yield running


async def test_every_answer_is_as_the_document_says(world: World, tmp_path: Path) -> None:
    schemathesis = Path(sys.executable).parent / "schemathesis"
    authorization = world.api.http.headers["Authorization"]

    process = await asyncio.create_subprocess_exec(
        schemathesis, "run", f"{world.api.http.base_url}/openapi.json",
        "--header", f"Authorization:{authorization}",
        "--exclude-path", "/v1/events",  # never ends
        "--max-examples", "3", "--seed", "1", "--generation-deterministic",  # the same, however fast the machine
        "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing",
        "--continue-on-failure", "--no-color", "--request-timeout", "120",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
    )  # fmt: skip
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()
