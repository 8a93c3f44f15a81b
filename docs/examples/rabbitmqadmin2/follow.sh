#!/bin/sh
# Prints what became of posts since the last time, a line each: ./follow.sh, once before the first post, which makes the queue.
set -eu
admin="${ADMIN:-rabbitmqadmin} --non-interactive"
queue=my-system.rabbitmqadmin
$admin declare queue --name $queue --type quorum --durable true
answers="schedule.accepted schedule.rejected"
outcomes="publish.succeeded publish.failed publish.unknown publish.held publish.skipped"
for type in $answers $outcomes; do
    $admin declare binding --source timeball.events --destination-type queue --destination $queue --routing-key "$type"
done
$admin get messages --queue $queue --count 100 --ack-mode ack_requeue_false
