package libtensorflow

// #include <malloc.h>
import "C"

// Trim gives memory that the library has freed back to the system. glibc keeps what
// threads free in their arenas: while batches run beside each other that grows to
// several times what they hold, and never shrinks. It takes milliseconds, and the
// pages that are needed again have to be mapped again.
func Trim() { C.malloc_trim(0) }
