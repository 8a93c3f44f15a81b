"""What the console knows of posts and accounts, merged from facts that arrive twice and in any order.

A fact tells of parts: of a post how far it has come, when it is planned for, what it says; of an account whether it is
connected, and its token. Each part is the greatest of what the facts tell, so that the merge is commutative,
associative and idempotent.
"""
