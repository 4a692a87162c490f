package main

import (
	"errors"
	"strings"
	"testing"
)

// TensorFlow's advice for an operation that it does not know is for Python's users.
func TestOperationsThatTheLibraryLacksAreExplained(t *testing.T) {
	unknown := errors.New("load model: Op type not registered 'MyFancyRelu' in binary running on host")
	if err := explained(unknown); !errors.Is(err, unknown) || !strings.HasSuffix(err.Error(), "export the model without it") {
		t.Errorf("error is %v", err)
	}
	other := errors.New("load model: out of memory")
	if err := explained(other); !errors.Is(err, other) || err.Error() != other.Error() {
		t.Errorf("error is %v, want it as it was", err)
	}
}
