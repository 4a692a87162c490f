#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
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

void *libtensorflow_base(void *library) {
	struct link_map *map;
	if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return NULL;
	return (void *)map->l_addr;
}

extern char **environ;

int libtensorflow_construct(void *library) {
	struct link_map *map;
	if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return -1;
	ElfW(Addr) init = 0, array = 0;
	size_t size = 0;
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) { // defer.go
		case 0x60de0001: init = map->l_addr + d->d_un.d_ptr; break;
		case 0x60de0002: array = map->l_addr + d->d_un.d_ptr; break;
		case 0x60de0003: size = d->d_un.d_val; break;
		}
	}
	// The order and the arguments of glibc's call_init.
	typedef void (*constructor)(int, char **, char **);
	char name[] = "", *argv[] = {name, NULL};
	int run = 0;
	if (init != 0) {
		((constructor)init)(1, argv, environ);
		run++;
	}
	for (size_t i = 0; i < size / sizeof(constructor); i++, run++) ((constructor *)array)[i](1, argv, environ);
	return run;
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
