#!/usr/bin/env bash
# Installs what `make bench-peers` compares vswarden with, on Debian 12: rsyslog with its TLS driver as a
# package, syslog-ng unpacked beside it, since the two packages conflict. No service is started. The last line of
# standard output is the folder of the unpacked programs.
set -euo pipefail
cd "$(dirname "$0")"

need=()
command -v rsyslogd >/dev/null || need+=(rsyslog)
ls /usr/lib/*/rsyslog/lmnsd_gtls.so >/dev/null 2>&1 || need+=(rsyslog-gnutls)
if [ ${#need[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || {
    echo "to install ${need[*]} this must run as root, or: apt-get install ${need[*]}" >&2
    exit 1
  }
  policy=/usr/sbin/policy-rc.d # says whether a package may start its service
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
  fi
  {
    apt-get install -y -qq --no-install-recommends "${need[@]}" ||
      { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${need[@]}"; }
  } >&2
fi
../senders/setup.sh
