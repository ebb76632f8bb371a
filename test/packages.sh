#!/bin/sh
# Installs the Debian packages that are missing, and only those.
#
#	packages.sh run		what building and running needs
#	packages.sh test	that, and what the tests need
#	packages.sh lint	what building and static analysis need
#	packages.sh bench	what building, running and the bench need
set -eu

# Of the server that is there, or else of the one that this Debian has.
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
	packages="gcc make libc6-dev libcurl4-openssl-dev libcmark-dev libzip-dev ca-certificates python3
		postgresql${version:+-$version} postgresql-server-dev-${version:-all}"
	if [ "$1" = test ]; then
		packages="$packages libipc-run-perl perl openssl nginx procps unzip chromium
			${version:+postgresql-$version-cron}"
	fi
	if [ "$1" = bench ]; then
		packages="$packages libpq-dev nginx"
	fi
	if [ "$1" = lint ]; then
		packages="$packages clang-tidy cppcheck"
	fi
	missing_of $packages
}

missing=$(needed "$1")
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing: $missing" >&2
	echo "Run this with sudo, so that they can be installed." >&2
	exit 1
fi
apt-get update -qq
missing=$(needed "$1")			# now that apt knows which PostgreSQL there is
echo "Installing: $missing"
# No cluster of the machine's own is made or started for our sake.
settings=/etc/postgresql-common/createcluster.conf
restore_settings() { :; }
if [ ! -e $settings ]; then
	mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' >$settings
	restore_settings() { cp /usr/share/postgresql-common/createcluster.conf $settings 2>/dev/null || rm -f $settings; }
	trap restore_settings EXIT
fi
# Nor is a service: nginx is to be a program here, not the machine's web server.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d; restore_settings' EXIT
fi
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
