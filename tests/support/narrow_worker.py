"""The program that makes pictures fit, with hardly more memory than it needs for itself."""

from services.publisher.media import worker

worker.MOST_MEMORY = 250 * 1024**2

if __name__ == "__main__":
    worker.main()
