# What the scripts beside this file share. To be read by sh, from the project's top.
#
# A server does not run as root, so with sudo everything below runs as the user who
# called sudo, or as postgres where root itself did.

umask 022
top=$(pwd)
build=$top/build
PG_CONFIG=${PG_CONFIG:-pg_config}

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

# A tree that the user can write is built by him, so that it stays his.
as_builder() {
	if as_user test -w "$top"; then
		as_user "$@"
	else
		"$@"
	fi
}

# Where the user's folders are, if he cannot reach the project (it lies in somebody's
# closed home) or its path leaves no room for the name of a socket.
elsewhere() {
	echo "/var/cache/agent_studio/$(printf '%s' "$top" | cksum | cut -d ' ' -f 1)"
}

# A folder that the user owns and can reach: build/NAME, or one elsewhere.
user_folder() {
	folder=$build/$1
	if ! as_user test -r "$top/Makefile" || [ ${#folder} -gt 85 ]; then
		folder=$(elsewhere)/$1
	fi
	as_builder mkdir -p "$build"
	mkdir -p "$folder"
	[ "$(id -u)" != 0 ] || chown "$user" "$folder"
	echo "$folder"
}

user=$(test_user)
