#!/bin/sh
# Debian packages that the browser tests need: Chromium, and fonts for the languages the pages speak.
# CI runs this; on your own machine run it if you want the browser tests (they are skipped without Chromium).
set -eu

missing=
for package in chromium fonts-noto-core; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "Run as root to install:$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086 # one word each
apt-get -qq install --yes --no-install-recommends $missing >/dev/null
