#!/bin/sh
# Sees to it that what is written for both architectures is tested for both: a
# cross compiler and an emulator for arm64. Where this runs as root, or CI=true
# says that the machine is there for tests, they are installed; elsewhere the
# parts that need them are said not to run.
missing=""
for program in aarch64-linux-gnu-gcc qemu-aarch64-static; do
	command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ]; }; then
	echo "installing a cross compiler and an emulator for arm64"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static; } >/dev/null || {
		echo "could not install them; install by hand: apt-get install gcc-aarch64-linux-gnu qemu-user-static" >&2
		exit 1
	}
	exit 0
fi
echo "not run: the arm64 part of layer/prelink's tests, which needs$missing (Debian: gcc-aarch64-linux-gnu, qemu-user-static)"
