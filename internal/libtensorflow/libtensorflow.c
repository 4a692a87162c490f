#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libtensorflow.h"
#include "symbols.h"

// The table lies in stubs_*.S, where each slot starts at a call of
// libtensorflow_missing with the slot's number.
extern void *libtensorflow_table[LIBTENSORFLOW_SYMBOLS] __attribute__((visibility("hidden")));

__attribute__((visibility("hidden"), noreturn)) void libtensorflow_missing(int symbol) {
	fprintf(stderr, "tensorlambda: %s was called before libtensorflow was opened\n", libtensorflow_names[symbol]);
	abort();
}

void *libtensorflow_dlopen(const char *path, char **error) {
	// Global, since cc finds the symbols of framework that way. Lazy: binding
	// every function of 600 MB at once would be part of each cold start.
	void *library = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
	// dlerror belongs to this thread, so it is read before Go can move us.
	if (library == NULL) *error = strdup(dlerror());
	return library;
}

const char *libtensorflow_fill(void *library) {
	void *found[LIBTENSORFLOW_SYMBOLS];
	for (int i = 0; i < LIBTENSORFLOW_SYMBOLS; i++) {
		found[i] = dlsym(library, libtensorflow_names[i]);
		if (found[i] == NULL) return libtensorflow_names[i];
	}
	memcpy(libtensorflow_table, found, sizeof found);
	return NULL;
}

void libtensorflow_quiet(void) { setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0); }
