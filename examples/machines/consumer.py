"""Stops the machines of users whose credits are used up, and starts them again."""

import argparse
import json
import os
import random
import sys
import time

import pika
from pika.exceptions import AMQPError


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--amqp", metavar="URL", required=True)
    options.add_argument("--queue", required=True)
    options.add_argument("--state", metavar="FILE", default="machines.json")
    options.add_argument("--idle", type=float, metavar="SECONDS", help="end when nothing comes for so long")
    options = options.parse_args()
    machines = Machines(options.state)
    wait = 0.25
    while True:
        try:
            connection = pika.BlockingConnection(pika.URLParameters(options.amqp))
            channel = connection.channel()
            channel.basic_qos(prefetch_count=100)
            for method, _, body in channel.consume(options.queue, inactivity_timeout=options.idle):
                if method is None:
                    connection.close()
                    return
                machines.apply(json.loads(body))
                channel.basic_ack(method.delivery_tag)  # only what is remembered is acknowledged
                wait = 0.25
        except AMQPError as error:
            print(f"the broker is away, tried again: {error!r}", file=sys.stderr)
        time.sleep(wait * random.uniform(0.5, 1))
        wait = min(wait * 2, 15)


class Machines:
    """What is known of each user: the last credit event, and whether the machines run."""

    def __init__(self, path):
        self.path = path
        self.users = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}

    def apply(self, event):
        """Every event comes at least once, and an older one may come late: `sequence` tells."""
        known = self.users.get(event["userID"], {"sequence": 0, "running": None})
        if event["sequence"] <= known["sequence"]:
            return
        running = event["state"]
        if running != known["running"]:
            print(f"{'start' if running else 'stop'} the machines of {event['userID']}", flush=True)
        self.users[event["userID"]] = {"sequence": event["sequence"], "running": running}
        self.save()

    def save(self):
        with open(f"{self.path}.new", "w", encoding="utf-8") as file:
            json.dump(self.users, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{self.path}.new", self.path)


if __name__ == "__main__":
    main()
