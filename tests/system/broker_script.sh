#!/usr/bin/env bash
# broker_script.sh: the broker of ./dev demo and ./dev bench starts for an ordinary user, on whose path it is not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH=/usr/bin:/bin
work=$(mktemp -d -t hark-test.XXXXXX)
broker_pid='' broker_port=''
# shellcheck source=tests/broker.sh
source tests/broker.sh
trap '[[ -z $broker_pid ]] || kill "$broker_pid"; rm -rf "$work"' EXIT
start_broker "$work"
mosquitto_pub -p "$broker_port" -t here -m yes
