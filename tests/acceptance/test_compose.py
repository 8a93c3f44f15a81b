"""compose.yaml keeps its promises: confined containers, closed networks, secrets where they belong."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import services.console.settings
import services.maintenance.settings
import services.monitor.settings
import services.publisher.settings
import services.scheduler.settings
from deploy.docker.broker_users import SERVICES
from deploy.docker.keys import hand_out
from deploy.local.broker_files import BrokerIdentity, _configuration
from deploy.local.docker_broker import IMAGE
from shared.process.settings import ServiceSettings
from shared.secrets.sealing import SealingKey

ROOT = Path(__file__).parents[2]
SETTINGS: tuple[type[ServiceSettings], ...] = (
    services.console.settings.Settings,
    services.maintenance.settings.Settings,
    services.monitor.settings.Settings,
    services.publisher.settings.Settings,
    services.scheduler.settings.Settings,
)
READ_BY_THE_COMMAND_LINE = {"TIMEBALL_URL"}
RUNS_ONCE = {"keys", "broker-users"}
MANY = ("scheduler", "publisher", "monitor", "maintenance")

Containers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def composition() -> dict[str, Any]:
    """compose.yaml as Docker Compose understands it, which takes no engine."""
    command = ["docker", "compose", "--env-file", "/dev/null", "--profile", "demo", "config", "--format", "json"]
    if not _is_installed("compose"):
        pytest.skip("Docker Compose is not installed, and nothing else here reads compose.yaml")
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    understood: dict[str, Any] = json.loads(answer.stdout)
    return understood


@pytest.fixture
def containers(composition: dict[str, Any]) -> Containers:
    """Every service of compose.yaml by name."""
    found: Containers = composition["services"]
    return found


def test_every_variable_is_one_that_is_read() -> None:
    known = {_variable(settings, name) for settings in SETTINGS for name in settings.model_fields}

    used = set(re.findall(r"TIMEBALL_[A-Z_]*[A-Z]", (ROOT / "compose.yaml").read_text()))

    assert used <= known | READ_BY_THE_COMMAND_LINE


def test_every_setting_can_be_given_in_env(containers: Containers) -> None:
    """But for ports and folders, which compose.yaml itself relies on, and keys that are handed out as files."""
    missing = {
        variable
        for settings in SETTINGS
        for variable in (_variable(settings, name) for name in settings.model_fields)
        if variable not in containers[settings.__module__.split(".")[1]]["environment"]
    }

    assert {name for name in missing if not name.endswith(("_HTTP_PORT", "_HTTP_HOST", "_HOME", "_KEY"))} == set()


def test_every_image_has_one_exact_tag_wherever_it_is_named() -> None:
    """A release that is tried is the release that runs."""
    named = (ROOT / "compose.yaml").read_text() + (ROOT / "deploy" / "Dockerfile").read_text() + IMAGE
    tags = set(re.findall(r"\b(rabbitmq|postgres|python):(?!\d+/|15672\b)([\w.-]+)", named))

    assert sorted(name for name, _ in tags) == ["postgres", "python", "rabbitmq"]
    assert all(re.match(r"\d+\.\d+", tag) for _, tag in tags)


def test_no_container_runs_as_root(containers: Containers) -> None:
    users = {name: container.get("user", "root") for name, container in containers.items()}

    assert not {name for name, user in users.items() if user.split(":")[0] in ("root", "0")}


def test_every_container_is_confined(containers: Containers) -> None:
    for name, container in containers.items():
        assert container["read_only"], name
        assert container["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in container["security_opt"], name
        assert not container.get("privileged"), name
        assert "/tmp" in container["tmpfs"], name


def test_every_container_has_limits(containers: Containers) -> None:
    for name, container in containers.items():
        assert {"cpus", "mem_limit", "pids_limit"} <= container.keys(), name
        assert {"max-size", "max-file"} <= container["logging"]["options"].keys(), name


def test_every_container_that_stays_is_watched_and_restarted(containers: Containers) -> None:
    staying = {name: container for name, container in containers.items() if name not in RUNS_ONCE}

    assert all("test" in container["healthcheck"] for container in staying.values())
    assert all(container["restart"] == "unless-stopped" for container in staying.values())


def test_services_wait_for_broker_and_database(containers: Containers) -> None:
    for name in (*MANY, "console"):
        waits_for = containers[name]["depends_on"]
        assert waits_for["rabbitmq"]["condition"] == "service_healthy"
        assert waits_for["postgres"]["condition"] == "service_healthy"


def test_what_is_scaled_has_neither_a_name_nor_a_port_of_its_own(containers: Containers) -> None:
    assert not [name for name in MANY if {"container_name", "ports"} & containers[name].keys()]


def test_only_this_machine_reaches_what_is_published(containers: Containers) -> None:
    published = [port for container in containers.values() for port in container.get("ports", ())]

    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_the_databases_have_no_way_out(composition: dict[str, Any]) -> None:
    assert set(composition["services"]["postgres"]["networks"]) == {"backbone"}
    assert composition["networks"]["backbone"]["internal"]


@pytest.mark.parametrize("owner", ["publisher", "monitor"])
def test_only_its_owner_holds_a_service_s_secrets(containers: Containers, owner: str) -> None:
    staying = {name: container for name, container in containers.items() if name not in RUNS_ONCE}

    holding_home = {name for name, container in staying.items() if f"{owner}-home" in _volumes(container)}
    told_secrets = {name for name, container in staying.items() if _secrets(container, owner)}

    assert holding_home == {owner}
    assert told_secrets == {owner}


def test_who_keeps_secrets_at_rest_gets_the_keys_that_are_given(containers: Containers) -> None:
    """And nobody else: a new key reaches both, or what one of them keeps is never written anew."""
    told = {
        name for name, container in containers.items() if "TIMEBALL_SECRET_KEYS" in container.get("environment", {})
    }

    assert told == {"publisher", "monitor"}


def test_each_service_is_a_broker_s_user_of_its_own(containers: Containers) -> None:
    names = {name: urlsplit(containers[name]["environment"]["TIMEBALL_BROKER_URL"]).username for name in SERVICES}

    assert names == {name: name for name in SERVICES}
    for name in SERVICES:
        assert containers[name]["depends_on"]["broker-users"]["condition"] == "service_completed_successfully"


def test_base_images_are_named_by_an_exact_version(containers: Containers) -> None:
    bases = [containers[name]["image"] for name in ("rabbitmq", "postgres")]
    bases.append(containers["keys"]["build"]["args"]["PYTHON_IMAGE"])

    assert [base for base in bases if not re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", base)] == []


def test_what_waits_in_hand_during_an_alarm_comes_back_no_sooner_than_from_the_private_node() -> None:
    """Each return counts against the delivery limit."""
    day = "consumer_timeout = 86400000"

    assert day in (ROOT / "deploy" / "docker" / "rabbitmq.conf").read_text()
    assert day in _configuration(BrokerIdentity("password", 1, 2, 3, 4, 5), ())


def test_every_password_is_in_the_docs() -> None:
    composed = (ROOT / "compose.yaml").read_text()
    passwords = set(re.findall(r"\$\{([A-Z_]+_PASSWORD)", composed))
    documented = (ROOT / "docs" / "containers.md").read_text()

    assert passwords
    assert {name for name in passwords if f"`{name}`" not in documented} == set()


def test_keys_are_made_once(tmp_path: Path) -> None:
    hand_out(tmp_path, {})
    made = _contents(tmp_path)

    hand_out(tmp_path, {})

    assert _contents(tmp_path) == made
    assert set(made) == {
        "publisher/keys/secret_keys",
        "publisher/keys/callback_secret",
        "publisher/keys/publisher.sealing_key",
        "monitor/keys/secret_keys",
        "monitor/keys/monitor.sealing_key",
        "console/keys/api_token",
        "console/keys/publisher.public_key",
        "console/keys/monitor.public_key",
    }


def test_the_console_gets_the_public_half_of_the_publisher_s_key(tmp_path: Path) -> None:
    hand_out(tmp_path, {})

    made = _contents(tmp_path)

    private_key = SealingKey.from_base64(made["publisher/keys/publisher.sealing_key"])
    assert made["console/keys/publisher.public_key"] == private_key.public_key


def test_a_given_sealing_key_wins_over_the_one_made(tmp_path: Path) -> None:
    given = SealingKey.generate()
    hand_out(tmp_path, {})

    hand_out(tmp_path, {"TIMEBALL_PUBLISHER_SEALING_KEY": given.private_key})

    assert _contents(tmp_path)["console/keys/publisher.public_key"] == given.public_key


def _is_installed(plugin: str) -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", plugin, "version"], capture_output=True, check=False).returncode == 0


def _variable(settings: type[ServiceSettings], name: str) -> str:
    alias = settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{settings.model_config['env_prefix']}{name}".upper()


def _volumes(container: dict[str, Any]) -> set[str]:
    return {volume["source"] for volume in container.get("volumes", ())}


def _secrets(container: dict[str, Any], owner: str) -> set[str]:
    own = {f"TIMEBALL_{owner.upper()}_SEALING_KEY"}
    return {name for name in own if name in container.get("environment", {})}


def _contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}
