#!/bin/sh
# Installs the Debian packages that are missing, and only those.
#
#	packages.sh run		what building and running needs
#	packages.sh test	that, and what the tests need
set -eu

postgres_version() {
	if command -v pg_config >/dev/null; then
		pg_config --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'
	else
		apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -1
	fi
}

missing_of() {
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
	done
}

needed() {
	version=$(postgres_version)
	packages="gcc make libc6-dev libcurl4-openssl-dev python3 postgresql-$version postgresql-server-dev-$version"
	if [ "$1" = test ]; then
		packages="$packages libipc-run-perl perl openssl procps"
	fi
	missing_of $packages
}

become_root() {
	[ "$(id -u)" = 0 ] && return
	echo "These packages are missing: $missing" >&2
	echo "Run this with sudo, so that they can be installed." >&2
	exit 1
}

[ -n "$(postgres_version)" ] || { [ "$(id -u)" = 0 ] && apt-get update -qq; }
missing=$(needed "$1")
[ -n "$missing" ] || exit 0
become_root
echo "Installing: $missing"
# No cluster of the machine's own is made or started for our sake.
if [ ! -d /etc/postgresql-common ]; then
	mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
