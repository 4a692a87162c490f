#!/bin/sh
# Fails, naming the files, when a source is not as gofmt wants it or go.mod is
# not tidy.
set -eu
unformatted=$(gofmt -l bench cmd internal layer test web)
if [ -n "$unformatted" ]; then
	echo "not formatted; run make format:" >&2
	echo "$unformatted" >&2
	exit 1
fi
go mod tidy -diff || { echo "go.mod or go.sum is not tidy; run go mod tidy" >&2; exit 1; }
