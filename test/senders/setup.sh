#!/usr/bin/env bash
# Fetches the syslog senders that senders_test.go runs, from the Debian 12 package registry, and
# unpacks them into a folder. Nothing is installed and nothing needs root: rsyslog and syslog-ng conflict as
# packages, and no service may start. The last line of standard output is the folder.
#
#   test/senders/setup.sh [DIR]      default: $VSWARDEN_SENDERS, else ~/.cache/vswarden/senders
set -euo pipefail

dir=${1:-${VSWARDEN_SENDERS:-${XDG_CACHE_HOME:-$HOME/.cache}/vswarden/senders}}
packages=(
  syslog-ng-core libivykis0 libnet1 libwrap0 libpcre3 libglib2.0-0 libjson-c5 libssl3 # and loggen
  rsyslog rsyslog-openssl libestr0 libfastjson4 liblognorm5
  bsdutils openssl # logger; s_client
)

if [ -e "$dir/ready" ]; then
  echo "$dir"
  exit 0
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
  echo "apt-get and dpkg-deb are needed: this works on Debian and what is made of it" >&2
  exit 1
}
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get download -q "${packages[@]}" >&2 || {
  apt-get update -q >&2
  apt-get download -q "${packages[@]}" >&2
}
for deb in *.deb; do
  dpkg-deb -x "$deb" "$dir"
done
touch "$dir/ready"
echo "$dir"
