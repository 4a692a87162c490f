#!/bin/sh
# Sees to it that there is a browser for the tests of the playground, and the checker of
# accessibility, in the folder of tools that is the only argument. Where this runs as root,
# or CI=true says that the machine is there for tests, what is missing is installed;
# elsewhere those tests are said not to run, and the status is 3.
set -eu
axe=axe-core-4.14.1
sum=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

missing=""
for program in chromium curl; do
	command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -f "$1/$axe/axe.min.js" ] || command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -n "$missing" ]; then
	command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ]; } || {
		echo "not run: the tests in a browser, which need$missing (Debian's packages of these names)"
		exit 3
	}
	echo "installing$missing"
	# shellcheck disable=SC2086 # several words
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null || {
		echo "could not install them; install by hand: apt-get install$missing" >&2
		exit 1
	}
fi
[ -f "$1/$axe/axe.min.js" ] || {
	mkdir -p "$1"
	dir=$(mktemp -d "$1/.install-XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	(cd "$dir" && npm pack --silent "axe-core@${axe#axe-core-}" >/dev/null && echo "$sum  $axe.tgz" | sha256sum --check --quiet && tar -xzf "$axe.tgz")
	mv "$dir/package" "$1/$axe"
}
