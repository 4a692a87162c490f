// Package test runs the whole program from the outside: the real binary with
// the real TensorFlow library, models in a real S3 server, invocations through
// a local Lambda Runtime API.
package test
