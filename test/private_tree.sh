#!/bin/sh
# Makes a copy of the server's tree: private_tree.sh TARGET BINDIR PKGLIBDIR DATADIR
#
# The copy is made once; what is installed into it later replaces our own files only.
set -eu

target=$1
for directory in "$2" "$3" "$4"; do
	[ ! -d "$target$directory" ] || continue
	mkdir -p "$target$directory"
	cp -a "$directory/." "$target$directory/"
done
