# What the scripts beside this file share. To be read by sh, from the project's top.
#
# A server does not run as root, so with sudo everything below runs as the user who
# called sudo, or as postgres where root itself did.

top=$(pwd)
build=$top/build

test_user() {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif [ "${SUDO_USER:-root}" != root ]; then
		echo "$SUDO_USER"
	else
		echo postgres
	fi
}

# Runs a command as that user.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u "$user" -- "$@"
	else
		"$@"
	fi
}

# A folder that the user owns and can reach: build/NAME, or, where the project lies
# in somebody's closed home, one under /var/tmp.
user_folder() {
	mkdir -p "$build"
	if as_user test -x "$build" -a -r "$top/Makefile"; then
		folder=$build/$1
	else
		folder=/var/tmp/agent_studio.$user/$1
	fi
	mkdir -p "$folder"
	chown "$user" "$folder"
	echo "$folder"
}

user=$(test_user)
