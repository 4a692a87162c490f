#!/bin/sh
# Says what is missing before anything is built or fetched. Argument: the name of
# the Python 3 to use.
python=${1:-python3}
missing=0
need() { # command, what to do
	command -v "$1" >/dev/null 2>&1 || { echo "missing: $1 ($2)" >&2; missing=1; }
}

case "$(uname -s)/$(uname -m)" in
Linux/x86_64 | Linux/aarch64 | Linux/arm64) ;;
*)
	echo "tensorlambda builds and runs on Linux (x86_64 or arm64), as Lambda does: on this machine, use a Linux virtual machine or container with Go, a C compiler and Python 3." >&2
	exit 1
	;;
esac

need go "Go 1.26 or later, https://go.dev/doc/install"
need "${CC:-cc}" "a C compiler: Debian/Ubuntu 'apt-get install build-essential', Fedora 'dnf install gcc'"
need "$python" "Python 3: Debian/Ubuntu 'apt-get install python3 python3-pip python3-venv'"
if command -v "$python" >/dev/null 2>&1; then
	"$python" -m pip --version >/dev/null 2>&1 || { echo "missing: pip for $python (Debian/Ubuntu 'apt-get install python3-pip'; pip fetches the TensorFlow wheel)" >&2; missing=1; }
fi
[ "$missing" = 0 ] || { echo "install the above and run make again" >&2; exit 1; }
