#!/usr/bin/env bash
# ejabberd.sh PORT FOLDER: Debian's ejabberd with nothing but MQTT, on a loopback port, its data in FOLDER.
set -euo pipefail
port=$1 home=$2/ejabberd
mkdir -p "$home"
cat >"$home/ejabberd.yml" <<END
hosts: [localhost]
loglevel: warning
listen:
  - { port: $port, ip: "127.0.0.1", module: mod_mqtt }
auth_method: anonymous
anonymous_protocol: both
modules:
  mod_mqtt: { max_queue: unlimited, session_expiry: 1d }
END
code=(/usr/lib/*/ejabberd-*/ebin)
export HOME=$home EJABBERD_CONFIG_PATH=$home/ejabberd.yml EJABBERD_LOG_PATH=$home/ejabberd.log
exec erl -noinput -mnesia dir "\"$home/database\"" -pa "${code[0]}" -sname "hark-$port@localhost" \
  -eval '{ok, _} = application:ensure_all_started(ejabberd), io:format(standard_error, "running~n", []).'
