"""What `/metrics` says of the posts at hand, each time that it is asked."""

from prometheus_client import Gauge

from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.limits.lines import Lines

IN_LINE = Gauge("timeball_posts_in_line", "Posts at hand that wait for their instant, for a limit or for a turn")
UNDER_WAY = Gauge("timeball_turns_taken", "Posts that have a turn at their network: their requests leave, or have left")
SILENT = Gauge("timeball_destinations_silent", "Networks and servers that do not answer, and get a few requests only")


def tell_figures(lines: Lines, breakers: CircuitBreakers) -> None:
    """Have `/metrics` ask these."""
    IN_LINE.set_function(lines.waiting)
    UNDER_WAY.set_function(breakers.under_way)
    SILENT.set_function(breakers.silent)
