# The function as a container image for AWS Lambda. `make image` builds it, from a folder
# that holds the program and the libraries: docs/image.md says how, and how to add a
# model. Nothing is compiled or fetched here.
ARG BASE=public.ecr.aws/lambda/provided:al2023-x86_64
FROM $BASE

# Lambda loads the parts of an image that are read when they are read, so the libraries lie
# here as they are opened. They change rarely: below the program their layer stays.
COPY lib/libtensorflow_framework.so.2 lib/libtensorflow_cc.so.2 /opt/lib/

# Where the base image's own script would start it, which is not needed: the program is a
# function where Lambda says so, and takes its subcommands elsewhere.
COPY bootstrap /var/runtime/bootstrap
ENTRYPOINT ["/var/runtime/bootstrap"]
