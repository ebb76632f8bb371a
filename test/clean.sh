#!/bin/sh
# Ends what "make quickstart" left running, and removes what it and the tests built.
set -eu

. test/environment.sh
for folder in "$build" "$(elsewhere)"; do
	if [ -d "$folder/quickstart" ]; then
		sh test/quickstart.sh stop
	fi
	if ! rm -rf "$folder"; then
		echo "Some of it belongs to the user who ran the tests: use sudo make clean." >&2
		exit 1
	fi
done
rmdir "$(dirname "$(elsewhere)")" 2>/dev/null || true
rm -rf test/__pycache__ test/model_answers/__pycache__
