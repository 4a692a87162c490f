#!/bin/sh
# Keeps a Docker engine answering for as long as somebody holds this script's standard
# input open, and says "ready" once it does. Arguments: a folder for its pid file and its
# log; "check" instead of that only sees to it that there can be an engine.
#
# An engine that answers is used as it is and goes on. Where this runs as root, or CI=true
# says that the machine is there for tests, one is installed and started if there is none,
# and ended afterwards, by its pid. It has Docker's own socket and folders: two engines
# would contend for one bridge. Elsewhere this ends with status 3, having said why.
set -u
answers() { docker version >/dev/null 2>&1; }

missing() {
	for program in docker dockerd iptables; do
		command -v "$program" >/dev/null 2>&1 || { echo "$program"; return 0; }
	done
	return 1
}

install() {
	command -v apt-get >/dev/null 2>&1 || {
		echo "no Docker engine answers and $(missing) is not installed; install Docker" >&2
		exit 3
	}
	echo "installing a Docker engine" >&2
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io iptables; } >/dev/null </dev/null || {
		echo "could not install it; install by hand: apt-get install docker.io iptables" >&2
		exit 1
	}
}

running=
answers && running=true
if [ -z "$running" ]; then
	[ "$(id -u)" = 0 ] || [ "${CI:-}" = true ] || {
		echo "no Docker engine answers (docker version says why); start one that this user may use, or run this as root" >&2
		exit 3
	}
	missing >/dev/null && install
	answers && running=true # where there is systemd, the package starts it
fi
[ "$1" != check ] || exit 0

if [ -z "$running" ]; then
	mkdir -p "$1" || exit 1
	pidfile=$1/docker.pid
	dockerd --pidfile "$pidfile" >"$1/docker.log" 2>&1 </dev/null &
	engine=$!
	trap 'kill "$engine" 2>/dev/null; wait "$engine"' EXIT
	trap 'exit 1' INT TERM HUP
	tries=600 # a minute
	until answers; do
		tries=$((tries - 1))
		if [ "$tries" = 0 ] || ! kill -0 "$engine" 2>/dev/null; then
			echo "the Docker engine did not start:" >&2
			tail -n 5 "$1/docker.log" >&2
			exit 1
		fi
		sleep 0.1
	done
fi
echo ready
cat >/dev/null
