package rows

import (
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// Joined is what an output that joins instances has to know of their input, before the
// first of them. The zero value is an input of nothing but tensors.
type Joined struct {
	// text are the inputs of strings that are text by the input's own types.
	text map[string]bool
	// further are the columns that are no inputs of the signature.
	further []furtherColumn
}

// furtherColumn is a column that is carried along.
type furtherColumn struct {
	name string
	typ  parquet.Type // of its values
}

// maxFurther bounds the further columns of Parquet, in files and out of them, each of
// which has buffers of its own, and of JSON.
const maxFurther = 1000

// warnOfMany warns of columns that are left out.
func warnOfMany(o Options, n int) {
	if n > maxFurther && o.Warn != nil {
		o.Warn(fmt.Sprintf("of %d further columns the first %d are joined", n, maxFurther))
	}
}

// JoinedOf is what a reader knows once it is open.
func JoinedOf(r Reader) Joined {
	if j, ok := r.(interface{ joined() Joined }); ok {
		return j.joined()
	}
	return Joined{}
}
