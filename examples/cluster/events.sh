#!/bin/sh
# Prints events of the present, an event a line: `sh events.sh NUMBER NAME` gives NUMBER of them, of a hundred users, with
# ids that begin with NAME; without a name they are new ones each time.
set -eu
now=$(date +%s)
awk -v number="${1:-1000}" -v name="${2:-$now}" -v now="${now}000" 'BEGIN {
    for (i = 1; i <= number; i++)
        printf "{\"id\":\"%s-%d\",\"clientID\":\"network\",\"userID\":\"user-%d\",\"resource\":\"bandwidthup\"," \
            "\"instanceID\":\"line-1\",\"value\":%d,\"occurredMillis\":%s,\"details\":{},\"eventVersion\":\"1.0\"}\n", \
            name, i, i % 100, i % 7 + 1, now
}'
