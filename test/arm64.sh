#!/bin/sh
# Sees to it that what is written for both architectures is tested for both: a
# cross compiler, its C++ library and an emulator for arm64. Where this runs as
# root, or CI=true says that the machine is there for tests, they are installed;
# elsewhere this ends with status 3, having said which tests do not run.
set -- gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross qemu-user-static
[ "$(go env GOHOSTARCH)" != arm64 ] || exit 0 # all tests are for it

missing() {
	for program in aarch64-linux-gnu-gcc qemu-aarch64-static; do
		command -v "$program" >/dev/null 2>&1 || echo "$program"
	done
	[ -e /usr/aarch64-linux-gnu/lib/libstdc++.so.6 ] || echo "libstdc++ for arm64"
}
[ -n "$(missing)" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ]; }; then
	echo "installing a cross compiler and an emulator for arm64"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >/dev/null || {
		echo "could not install them; install by hand: apt-get install $*" >&2
		exit 1
	}
	exit 0
fi
echo "not run: the start of an arm64 function (test/emulated_test.go) and the arm64 parts of test/sam_test.go and of the tests in layer/ and layer/prelink, for want of $(missing | paste -sd, -) (Debian: apt-get install $*)"
exit 3
