#!/bin/sh
# Makes a copy of the server's tree: private_tree.sh TARGET BINDIR PKGLIBDIR DATADIR
#
# It is made anew when a package was installed or upgraded since; what is installed into
# it besides replaces our own files only.
set -eu

target=$1
shift
if [ -e "$target/made" ] && [ -z "$(find "$@" -cnewer "$target/made" -print -quit)" ]; then
	exit 0
fi
mkdir -p "$target"
touch "$target/started"
for directory in "$@"; do
	rm -rf "$target$directory"
	mkdir -p "$target$directory"
	cp -a "$directory/." "$target$directory/"
done
mv "$target/started" "$target/made"
