"""The program that makes pictures fit, with one that would take it for ever."""

from services.publisher.media import worker


def answer(line: bytes) -> bytes:
    """Never."""
    while True:
        pass


worker.answer = answer
worker.MOST_CPU_SECONDS = 1

if __name__ == "__main__":
    worker.main()
