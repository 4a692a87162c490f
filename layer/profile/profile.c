// What a start needs of libtensorflow's code: the program opens the libraries, loads a
// model, runs it once, and prints to which blocks of code it came for that.
//
//	profile BLOCK LIBRARIES MODEL INPUT OUTPUT DIM...
//
// BLOCK is the size of a block in bytes, a multiple of a page. Each line of the output is
// the name of a library and the number of a block of its file, from 0.
//
// Code is made inaccessible once a library is mapped and relocated, before its
// constructors are run; a thread that comes to a block faults, and the handler notes the
// block and lets it go on. The kernel's own books say less: it maps a page together with
// those round it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// As tensorflow/c/c_api.h has them.
typedef struct { void *oper; int index; } TF_Output;
#define TF_FLOAT 1

static const char *const names[] = {"libtensorflow_framework.so.2", "libtensorflow_cc.so.2"};
#define LIBRARIES 2

static uintptr_t block;

// The code of a library.
static struct code {
	uintptr_t start, size, offset; // in memory; in the file
	unsigned char *touched;        // one a block
} codes[LIBRARIES];
static void *library;

static void fail(const char *what) {
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void *symbol(const char *name) {
	void *found = dlsym(library, name);
	if (found == NULL) fail(name);
	return found;
}

static void note(int signal, siginfo_t *info, void *context) {
	(void)context;
	uintptr_t address = (uintptr_t)info->si_addr;
	for (int i = 0; i < LIBRARIES; i++) {
		struct code *c = &codes[i];
		if (address < c->start || address >= c->start + c->size) continue;
		uintptr_t at = (address - c->start) / block;
		c->touched[at] = 1;
		if (mprotect((void *)(c->start + at * block), block, PROT_READ | PROT_EXEC) == 0) return;
	}
	struct sigaction none = {.sa_handler = SIG_DFL};
	sigaction(signal, &none, NULL); // the instruction faults again, and ends the process
}

// copy is a memory file with the content of a file: the library's own stays as it is.
static int copy(const char *path) {
	FILE *from = fopen(path, "rb");
	int to = memfd_create("library", 0);
	if (from == NULL || to < 0) fail(path);
	static char buffer[1 << 20];
	for (size_t n; (n = fread(buffer, 1, sizeof buffer, from)) > 0;) {
		if (write(to, buffer, n) != (ssize_t)n) fail("no memory for a copy");
	}
	fclose(from);
	return to;
}

typedef void (*constructor)(int, char **, char **);

// begin opens a library, makes its code inaccessible and runs its constructors, which
// are hidden from the loader for that.
static void *begin(const char *folder, const char *name, struct code *code) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int file = copy(path);
	ElfW(Ehdr) header;
	ElfW(Phdr) programs[64];
	if (pread(file, &header, sizeof header, 0) != sizeof header || header.e_phnum > 64) fail(name);
	ssize_t size = header.e_phnum * sizeof *programs;
	if (pread(file, programs, size, header.e_phoff) != size) fail(name);
	uintptr_t init = 0, array = 0, bytes = 0;
	for (int i = 0; i < header.e_phnum; i++) {
		ElfW(Dyn) tags[256];
		size = programs[i].p_filesz;
		if (programs[i].p_type != PT_DYNAMIC) continue;
		if (size > (ssize_t)sizeof tags || pread(file, tags, size, programs[i].p_offset) != size) fail(name);
		for (ElfW(Dyn) *tag = tags; tag->d_tag != DT_NULL; tag++) {
			switch (tag->d_tag) {
			case DT_INIT: init = tag->d_un.d_ptr; break;
			case DT_INIT_ARRAY: array = tag->d_un.d_ptr; break;
			case DT_INIT_ARRAYSZ: bytes = tag->d_un.d_val; break;
			default: continue;
			}
			tag->d_tag = 0x60de0000; // the loader reads over what it does not know
		}
		if (pwrite(file, tags, size, programs[i].p_offset) != size) fail(name);
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	void *opened = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
	struct link_map *map;
	if (opened == NULL || dlinfo(opened, RTLD_DI_LINKMAP, &map) != 0) fail(dlerror());
	for (int i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) *p = &programs[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
		// Blocks are those of the file, so the first begins before the segment, where
		// nothing is mapped or another segment is: it is left out, and so is the last.
		uintptr_t first = (p->p_offset + block - 1) / block * block, end = (p->p_offset + p->p_filesz) / block * block;
		if (code->touched != NULL || first >= end) fail("code is not one segment");
		*code = (struct code){map->l_addr + p->p_vaddr + (first - p->p_offset), end - first, first, calloc((end - first) / block, 1)};
		if (code->touched == NULL || mprotect((void *)code->start, code->size, PROT_NONE) != 0) fail("mprotect");
	}
	if (init != 0) ((constructor)(map->l_addr + init))(0, NULL, environ);
	for (uintptr_t i = 0; i < bytes / sizeof(constructor); i++) ((constructor *)(map->l_addr + array))[i](0, NULL, environ);
	return opened;
}

int main(int argc, char **argv) {
	if (argc < 7 || (block = strtoul(argv[1], NULL, 10)) == 0) fail("profile BLOCK LIBRARIES MODEL INPUT OUTPUT DIM...");
	setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	if (sigaction(SIGSEGV, &action, NULL) != 0) fail("sigaction");
	for (int i = 0; i < LIBRARIES; i++) library = begin(argv[2], names[i], &codes[i]);

	void *status = ((void *(*)(void))symbol("TF_NewStatus"))();
	int (*status_code)(void *) = symbol("TF_GetCode");
	const char *(*message)(void *) = symbol("TF_Message");
	void *graph = ((void *(*)(void))symbol("TF_NewGraph"))();
	void *options = ((void *(*)(void))symbol("TF_NewSessionOptions"))();
	const char *tags[] = {"serve"};
	void *session = ((void *(*)(void *, void *, const char *, const char **, int, void *, void *, void *))symbol(
		"TF_LoadSessionFromSavedModel"))(options, NULL, argv[3], tags, 1, graph, NULL, status);
	if (status_code(status) != 0) fail(message(status));
	void *(*operation)(void *, const char *) = symbol("TF_GraphOperationByName");
	TF_Output input = {operation(graph, argv[4]), 0}, output = {operation(graph, argv[5]), 0};
	if (input.oper == NULL || output.oper == NULL) fail("no such operation");
	int64_t shape[8], elements = 1;
	int dims = argc - 6 < 8 ? argc - 6 : 8;
	for (int i = 0; i < dims; i++) elements *= shape[i] = atoll(argv[6 + i]);
	void *value = ((void *(*)(int, const int64_t *, int, size_t))symbol("TF_AllocateTensor"))(TF_FLOAT, shape, dims, elements * 4);
	memset(((void *(*)(void *))symbol("TF_TensorData"))(value), 0, elements * 4);
	void *result = NULL;
	((void (*)(void *, void *, TF_Output *, void **, int, TF_Output *, void **, int, void **, int, void *, void *))symbol("TF_SessionRun"))(
		session, NULL, &input, &value, 1, &output, &result, 1, NULL, 0, NULL, status);
	if (status_code(status) != 0) fail(message(status));

	for (int i = 0; i < LIBRARIES; i++) {
		for (uintptr_t at = 0; at < codes[i].size / block; at++) {
			if (codes[i].touched[at]) printf("%s %ju\n", names[i], (uintmax_t)(codes[i].offset / block + at));
		}
	}
	fflush(stdout);
	_exit(0);
}
