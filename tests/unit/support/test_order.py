"""The order in which the suite's files are run."""

from tests.support.order import places


def test_what_waits_runs_beside_what_computes_and_short_files_come_last() -> None:
    waiting = [f"tests/acceptance/test_{n}.py" for n in range(10)]
    computing = [f"tests/browser/test_{n}.py" for n in range(10)]
    short = ["tests/architecture/test_a.py", "tests/unit/test_a.py"]

    place = places([*short, *computing, *waiting])

    ordered = sorted(place, key=place.__getitem__)
    assert set(ordered[-2:]) == set(short)
    for n in range(0, 20, 2):
        assert len({*ordered[n : n + 2]} & {*waiting}) == 1


def test_long_folders_come_before_the_folder_that_they_are_in() -> None:
    scheduler, console = "tests/integration/scheduler/test_b.py", "tests/integration/console/test_a.py"

    place = places([console, scheduler])

    assert place[scheduler] < place[console]
