"""What processes tell of themselves in the read model: the latest of each."""

from shared.events.maintenance import ServiceReported
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel


async def test_the_latest_report_of_each_process_is_kept(read_model: ReadModel) -> None:
    first = ServiceReported(
        service="publisher", instance="a", problems={"outbox": "late"}, queues=("publisher.requests",)
    )
    again = first.model_copy(update={"problems": {}, "outbox_age_seconds": 1.5})
    other = ServiceReported(service="publisher", instance="b", queues=("publisher.requests",))
    for event in (first, other, again):
        await read_model.projector.on_service_reported(Delivery(event, None, "c"))

    latest = {one.instance: one for one in await read_model.queries.service_reports.latest()}

    assert set(latest) == {"a", "b"}
    assert (latest["a"].problems, latest["a"].outbox_age_seconds) == ({}, 1.5)
    assert latest["a"].queues == ("publisher.requests",)
