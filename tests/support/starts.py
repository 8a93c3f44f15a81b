"""When a publisher let posts start, as it wrote down: no machine is too slow for that."""

from datetime import datetime

from sqlalchemy import select

from services.publisher.tables import attempts
from shared.database.engine import Database


async def starts(url: str, account_id: str) -> dict[str, datetime]:
    """The start of each post's last attempt for an account."""
    database = Database(url)
    async with database.reading() as connection:
        started = select(attempts.c.post_id, attempts.c.start_at).where(attempts.c.account_id == account_id)
        rows = await connection.execute(started.order_by(attempts.c.number))
        found = {row.post_id: row.start_at for row in rows}
    await database.close()
    return found
