#!/bin/sh
# Schedules a post: ./schedule.sh POST ACCOUNT "the text", with $ADMIN as in the README. The text is without " and \.
set -eu
${ADMIN:-rabbitmqadmin} publish message --exchange timeball.events --routing-key schedule.requested \
    --properties '{"content_type": "application/json", "delivery_mode": 2, "type": "schedule.requested"}' \
    --payload "{\"post_id\": \"$1\", \"content\": \"$3\", \"targets\": [{\"account_id\": \"$2\"}]}"
