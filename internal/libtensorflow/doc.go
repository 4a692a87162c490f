// Package libtensorflow opens the TensorFlow C library at run time and gives the
// Go binding the symbols it was not linked with.
//
// A program that linked to libtensorflow would have the loader map it before
// main: it could not be kept packed, inflating it could not overlap with the
// model's download, and its absence would be a crash instead of an error. So the
// only link flag of the binding, -ltensorflow, is satisfied by an empty archive,
// and each function the binding calls is an assembler stub here that jumps
// through a table. Open inflates the two libraries into anonymous files in
// memory, or into /tmp, opens them, and fills the table. A stub that is called
// before that names its function and aborts.
//
// This is the cgo leaf: every package that imports the binding must import this
// one, or it does not link.
package libtensorflow

//go:generate go run ./internal/stubgen
