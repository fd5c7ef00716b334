#!/bin/sh
# Makes the passwords and keys of the example, by chance, in `secrets` beside this file. What is there already stays.
#
# The directory is its owner's alone; the files in it can be read by all, since within the containers their readers are
# various accounts.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
umask 022

# Letters and digits only: nothing that an address or a file of passwords would have to escape.
random() { openssl rand -hex 24; }

for name in cluster.secret postgresql.admin postgresql.password replication.password amqp.password erlang.cookie; do
    [ -s "secrets/$name" ] || random > "secrets/$name"
done

# RabbitMQ keeps a salt of four bytes with the SHA-256 of salt and password.
hashed() {
    openssl rand 4 > secrets/salt
    { cat secrets/salt; { cat secrets/salt; printf %s "$1"; } | openssl dgst -sha256 -binary; } | openssl base64 -A
    rm secrets/salt
}

# The user of the daemon and of producers. A message that could not be stored is given back: without the policy
# RabbitMQ 4 gives it up after twenty times.
[ -s secrets/rabbitmq.definitions ] || cat > secrets/rabbitmq.definitions <<JSON
{
  "users": [
    { "name": "aquarium", "tags": "", "hashing_algorithm": "rabbit_password_hashing_sha256",
      "password_hash": "$(hashed "$(cat secrets/amqp.password)")" }
  ],
  "vhosts": [{ "name": "/" }],
  "permissions": [{ "user": "aquarium", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }],
  "policies": [
    { "vhost": "/", "name": "aquarium", "pattern": "^aquarium", "apply-to": "queues", "priority": 0,
      "definition": { "delivery-limit": 1000000000 } }
  ]
}
JSON
