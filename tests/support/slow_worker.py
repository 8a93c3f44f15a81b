"""The program that makes pictures fit, on a machine that has much else to do."""

import time

from services.publisher.media import worker

SECONDS = 0.5
_answer = worker.answer


def answer(line: bytes) -> bytes:
    """Do the job, later."""
    time.sleep(SECONDS)
    return _answer(line)


worker.answer = answer

if __name__ == "__main__":
    worker.main()
