// The C side of package libtensorflow: dlopen, dlsym, and the table that the
// stubs jump through.

#ifndef TENSORLAMBDA_LIBTENSORFLOW_H
#define TENSORLAMBDA_LIBTENSORFLOW_H

// libtensorflow_dlopen opens a library for all of the process. On failure it
// returns NULL and a message to be freed in *error.
void *libtensorflow_dlopen(const char *path, char **error);

// libtensorflow_base is where an open library is mapped: what addresses in its file
// count from. It is NULL where the loader does not say.
void *libtensorflow_base(void *library);

// libtensorflow_construct runs the constructors that deferInit hid from the
// loader, and returns how many there were, or -1. It is called once a library.
int libtensorflow_construct(void *library);

// libtensorflow_fill looks up every symbol of the table in an open library. It
// returns NULL and fills the table, or returns the name of the first symbol that
// is missing and leaves the table as it was.
const char *libtensorflow_fill(void *library);

// libtensorflow_quiet switches off TensorFlow's informational lines on stderr
// unless the environment already says which to print.
void libtensorflow_quiet(void);

#endif
