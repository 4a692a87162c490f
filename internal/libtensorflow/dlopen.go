package libtensorflow

/*
#cgo LDFLAGS: -L${SRCDIR} -ldl
#include <stdlib.h>
#include "libtensorflow.h"

// What this package itself calls, declared here so that it compiles without
// TensorFlow's headers.
typedef struct {
	const void *data;
	size_t length;
	void (*data_deallocator)(void *data, size_t length);
} TF_Buffer;
const char *TF_Version(void);
int TF_GetCode(const void *status);
TF_Buffer *TF_GetAllOpList(void);
void TF_DeleteBuffer(TF_Buffer *buffer);
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// dlopen maps a library into the process, for ever: TensorFlow registers
// kernels and devices when it is loaded and cannot be unloaded.
func dlopen(path string) (unsafe.Pointer, error) {
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath))
	var message *C.char
	library := C.libtensorflow_dlopen(cpath, &message)
	if library == nil {
		defer C.free(unsafe.Pointer(message))
		return nil, errors.New(C.GoString(message))
	}
	return library, nil
}

// base is where an open library is mapped.
func base(library unsafe.Pointer) (unsafe.Pointer, error) {
	if address := C.libtensorflow_base(library); address != nil {
		return address, nil
	}
	return nil, fmt.Errorf("the loader does not tell where it is: %w", ErrUnusable)
}

// construct runs the constructors that were hidden from the loader, and is how many.
func construct(library unsafe.Pointer) (int, error) {
	n := int(C.libtensorflow_construct(library))
	if n < 0 {
		return 0, fmt.Errorf("the loader does not tell what constructs it: %w", ErrUnusable)
	}
	return n, nil
}

// fill connects the stubs to an open library.
func fill(library unsafe.Pointer) error {
	if missing := C.libtensorflow_fill(library); missing != nil {
		return fmt.Errorf("it has no symbol %s: %w", C.GoString(missing), ErrUnusable)
	}
	return nil
}

func quiet() { C.libtensorflow_quiet() }

// Version is the version of the open library.
func Version() string { return C.GoString(C.TF_Version()) }

// OpList is the registry of operations of the open library, as a serialized
// tensorflow.OpList.
func OpList() []byte {
	buffer := C.TF_GetAllOpList()
	defer C.TF_DeleteBuffer(buffer)
	return C.GoBytes(buffer.data, C.int(buffer.length))
}

// StatusCode is the code of a TF_Status (tensorflow/c/tf_status.h: 0 is OK).
// owner is kept alive while status is read.
func StatusCode(status unsafe.Pointer, owner any) int {
	code := int(C.TF_GetCode(status))
	runtime.KeepAlive(owner)
	return code
}
