"""docs/metrics.md has every metric that is served and no other; the rules for Prometheus ask for none that is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"
PROMETHEUS = ROOT / "deploy" / "prometheus"
NAME = r"timeball_[a-z_]+"
OF_HISTOGRAMS = "_bucket"


def served() -> set[str]:
    """The metrics in the sources, by their names."""
    made = re.compile(rf'\b(?:Counter|Gauge|Histogram)\(\s*"({NAME})"')
    files = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in files for name in made.findall(path.read_text())}


def asked() -> Iterator[str]:
    """The metrics in the rules."""
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield from (name.removesuffix(OF_HISTOGRAMS) for name in re.findall(NAME, rule["expr"]))


def test_every_metric_is_on_the_page_and_nothing_else() -> None:
    on_the_page = {name.removesuffix(OF_HISTOGRAMS) for name in re.findall(NAME, PAGE.read_text())}

    assert on_the_page == served()


def test_the_rules_ask_for_what_is_served() -> None:
    assert set(asked()) <= served()


@pytest.mark.parametrize("service", ["console", "scheduler", "publisher", "monitor", "maintenance"])
def test_prometheus_looks_where_the_services_of_compose_are(service: str) -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"][service]
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    }
    (where,) = jobs[f"timeball-{service}"]["dns_sd_configs"]

    assert where["names"] == [service]
    assert f":{where['port']}/readyz" in str(composed["healthcheck"]["test"])
    assert "backbone" in composed["networks"]
