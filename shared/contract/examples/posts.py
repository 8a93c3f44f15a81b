"""The post that the examples are about."""

POST = {"post_id": "spring-sale", "account_id": "team"}
REVISION = POST | {"revision": 1}
