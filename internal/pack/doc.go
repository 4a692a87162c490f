// Package pack rewrites a SavedModel so that it starts faster and answers the same:
// calls of functions become their bodies, variables become constants, and what the
// kept signatures do not need is dropped. The result is a standard SavedModel.
//
// It works on the protobufs alone. What only TensorFlow knows comes from the
// caller: the list of its operations and the values of variables.
package pack
