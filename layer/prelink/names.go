package prelink

import "regexp"

// owned matches the mangled names of C++ entities in a namespace or class that
// is not the language's own: after the kind (function, table, type information,
// guard, thunk) and the functions it is local to comes a length and an
// identifier.
var owned = regexp.MustCompile(`^_Z(?:T[ISVT]|GV|GR|Thn?\d+_|Tvn?\d+_n?\d+_)?Z*N?[KVRO]*\d+([^0-9].*)`)

// Mangled reports whether a symbol's name is such that the C and C++ run-time
// libraries cannot define it too: a C++ name outside std and outside the names
// that are reserved for the implementation.
func Mangled(name string) bool {
	m := owned.FindStringSubmatch(name)
	return m != nil && !reserved(m[1])
}

func reserved(identifier string) bool {
	return len(identifier) > 1 && identifier[0] == '_' && identifier[1] == '_'
}
