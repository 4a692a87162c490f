// Package tensorflow runs SavedModels and frozen graphs on the TensorFlow C
// library: it is infer.Runner for real. It is the only package that imports the
// Go binding and tfgo, so the binding's traps are dealt with here and nowhere
// else. libtensorflow.Open must have succeeded before anything here is called.
package tensorflow
