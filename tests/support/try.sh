#!/bin/sh
# try.sh DAEMON: what to try, and the daemon to try it with.
cat <<'TEXT'

In another terminal, try:

  echo hello | nc -N 127.0.0.1 7007            an echo: what goes in comes back
  curl -i http://127.0.0.1:8080/               a proxy, and a responder behind it
  wrk -c64 -d5s http://127.0.0.1:8080/         the same under load

Ctrl-C stops the daemon: once to let connections end, twice at once.

TEXT
exec "$1" -c examples/quickstart.conf
