#!/bin/sh
# Sees to it that there is the image that `sam local` builds the functions' containers on,
# and the Dockerfile the function's. It is pulled; where that cannot be, a stand-in is made
# of files of this machine, and said to be one. The stand-in has this machine's C library,
# which may be newer than AWS's: that the program and the layer run on AWS's is what
# layer/gate looks after.
set -eu
case "$(uname -m)" in
x86_64) arch=x86_64 loader=/lib64/ld-linux-x86-64.so.2 ;;
aarch64 | arm64) arch=arm64 loader=/lib/ld-linux-aarch64.so.1 ;;
*) echo "no Lambda function runs on $(uname -m)" >&2; exit 1 ;;
esac
image=public.ecr.aws/lambda/provided:al2023-$arch
label=tensorlambda.stand-in

stand_in() {
	echo "$image is a stand-in made of this machine's files, since it cannot be pulled; 'docker rmi $image' has the next run try again" >&2
}
if docker image inspect "$image" >/dev/null 2>&1; then
	[ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$image")" != true ] || stand_in
	exit 0
fi
# A network that swallows everything is not to hold us up for ever.
if timeout 300 docker pull -q "$image" >/dev/null 2>&1; then
	exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/lib64" "$root$(dirname "$loader")" "$root/tmp" "$root/var/task"
chmod 1777 "$root/tmp"

# What the Dockerfile that SAM writes calls.
for program in sh mv chmod cp rm; do
	cp -L "$(command -v "$program")" "$root/bin/$program"
done
# What those ask for, and the program and libtensorflow.
libraries="libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libgcc_s.so.1 libstdc++.so.6"
for library in $libraries; do
	cp -L "$(${CC:-cc} -print-file-name="$library")" "$root/lib64/$library"
done
ldd "$root"/bin/* | awk '$2 == "=>" && $3 ~ /^\// {print $1, $3}' | sort -u | while read -r name path; do
	cp -L "$path" "$root/lib64/$name"
done
cp -L "$loader" "$root$loader"

# The environment is that of AWS's image, which SAM relies on.
tar -C "$root" -c . | docker import \
	-c 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin' \
	-c 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
	-c 'ENV LAMBDA_TASK_ROOT=/var/task' -c 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' \
	-c 'WORKDIR /var/task' -c "LABEL $label=true" - "$image" >/dev/null
stand_in
