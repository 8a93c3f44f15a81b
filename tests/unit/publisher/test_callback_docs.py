"""What docs/callbacks.md tells receivers to do works on what is sent."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.publisher.platforms.webhook.signature import signature_headers, signing_key

PAGE = (Path(__file__).parents[3] / "docs" / "callbacks.md").read_text()
SECRET, OTHER = "whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s=", "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCBpdCBpcw=="
BODY = '{"type": "publish.held", "data": {"reason": "\N{SNOWMAN}"}}'.encode()
CALLS = [(SECRET, BODY, True), (OTHER, BODY, False), (SECRET, BODY + b" ", False)]


def example(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def signed() -> dict[str, str]:
    return signature_headers([signing_key(OTHER[:-4] + "AA=="), signing_key(SECRET)], "msg_1", BODY, datetime.now(UTC))


@pytest.mark.parametrize(("secret", "body", "genuine"), CALLS)
def test_the_python_example_verifies(secret: str, body: bytes, genuine: bool) -> None:
    names: dict[str, Any] = {}
    exec(example("python"), names)

    assert names["is_genuine"](secret, signed(), body) is genuine
    assert not names["is_genuine"](secret, signed() | {"webhook-timestamp": "1700000000"}, body)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_javascript_example_verifies(tmp_path: Path) -> None:
    (tmp_path / "genuine.mjs").write_text(example("js"))
    calls = [{"secret": secret, "headers": signed(), "body": body.decode()} for secret, body, _ in CALLS]
    script = (
        'import { isGenuine } from "./genuine.mjs";\n'
        f"const calls = {json.dumps(calls)};\n"
        "console.log(JSON.stringify(calls.map((c) => isGenuine(c.secret, c.headers, Buffer.from(c.body)))));\n"
    )
    (tmp_path / "try.mjs").write_text(script)

    told = subprocess.run(["node", "try.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert json.loads(told.stdout) == [genuine for _, _, genuine in CALLS]
