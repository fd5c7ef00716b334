#!/bin/sh
# Puts the key by which the nodes of the cluster know each other where RabbitMQ wants it: in a file of its own account's.
set -eu
install -o rabbitmq -g rabbitmq -m 400 /run/secrets/erlang.cookie /var/lib/rabbitmq/.erlang.cookie
exec docker-entrypoint.sh "$@"
