package rows

// The limits that hold where Limits is zero.
const (
	defaultBlockRows  = 256
	defaultBlockBytes = 4 << 20
	defaultMaxLine    = 64 << 20
	defaultMaxTensor  = 256 << 20
	defaultMaxDepth   = 64
	defaultMaxRatio   = 1000
)

func (l Limits) withDefaults() Limits {
	set(&l.BlockRows, defaultBlockRows)
	set(&l.BlockBytes, defaultBlockBytes)
	set(&l.MaxLine, defaultMaxLine)
	set(&l.MaxTensor, defaultMaxTensor)
	set(&l.MaxDepth, defaultMaxDepth)
	set(&l.MaxRatio, defaultMaxRatio)
	return l
}

func set[T int | int64](limit *T, value T) {
	if *limit <= 0 {
		*limit = value
	}
}
