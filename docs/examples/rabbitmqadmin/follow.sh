#!/bin/sh
# Prints what became of posts since the last time: ./follow.sh, once before the first post, which makes the queue.
set -eu
admin=${ADMIN:-rabbitmqadmin}
$admin declare queue name=my-system.rabbitmqadmin durable=true queue_type=quorum
answers="schedule.accepted schedule.rejected"
outcomes="publish.succeeded publish.failed publish.unknown publish.held publish.skipped"
for type in $answers $outcomes; do
    $admin declare binding source=timeball.events destination=my-system.rabbitmqadmin routing_key="$type"
done
$admin --format=raw_json get queue=my-system.rabbitmqadmin count=100 ackmode=ack_requeue_false
