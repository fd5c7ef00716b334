"""Sends events, a line each, and repeats them under the same id until they are confirmed."""

import argparse
import json
import random
import sys
import time
import urllib.error
import urllib.request

BATCH = 500  # events in one request, or in flight


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--http", metavar="URL", help="the daemon's address")
    options.add_argument("--amqp", metavar="URL", help="or the broker's")
    options.add_argument("--exchange", default="usage")
    options.add_argument("--key", default="events.machines")
    options = options.parse_args()
    send = over_http(options.http) if options.http else by_message(options)
    sent, batch = 0, []
    for line in filter(str.strip, sys.stdin):
        batch.append(line.strip())
        if len(batch) == BATCH:
            sent += until_confirmed(send, batch)
            batch = []
    sent += until_confirmed(send, batch)
    print(f"{sent} events are confirmed")


def until_confirmed(send, batch):
    """Sends a batch until all of it is confirmed: the same bytes, and so the same ids."""
    wait = 0.25
    while batch:
        try:
            send(batch)
            break
        except OSError as error:
            print(f"not confirmed, sent again: {error}", file=sys.stderr)
            time.sleep(wait * random.uniform(0.5, 1))
            wait = min(wait * 2, 15)
    return len(batch)


def over_http(url):
    def send(batch):
        body = "\n".join(batch).encode()
        request = urllib.request.Request(
            f"{url}/events", body, {"Content-Type": "application/x-ndjson"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answers = [json.loads(line) for line in answer]
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):  # later, then
                raise OSError(f"{error.code} {error.reason}") from error
            raise SystemExit(f"refused: {error.code} {error.read().decode()}") from error
        if len(answers) < len(batch):
            raise OSError("the answer broke off")
        for answer in answers:
            if answer["result"] in ("conflict", "quarantined"):
                print(f"{answer['id']}: {answer['result']}: {answer}", file=sys.stderr)

    return send


def by_message(options):
    import pika
    from pika.exceptions import AMQPError, NackError, UnroutableError

    channel = None

    def send(batch):
        nonlocal channel
        try:
            if channel is None:
                channel = pika.BlockingConnection(pika.URLParameters(options.amqp)).channel()
                channel.confirm_delivery()
            channel.basic_publish(  # waits for the broker's confirmation
                options.exchange,
                options.key,
                "\n".join(batch).encode(),
                pika.BasicProperties(content_type="application/x-ndjson", delivery_mode=2),
                mandatory=True,
            )
        except (AMQPError, NackError, UnroutableError) as error:
            channel = None
            raise OSError(repr(error)) from error

    return send


if __name__ == "__main__":
    main()
