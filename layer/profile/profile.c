// What a start needs of libtensorflow's code: the program opens the libraries, loads a
// model and runs it once, and prints which pages of code the kernel has mapped for that.
//
//	profile LIBRARIES MODEL INPUT OUTPUT DIM...
//
// Each line of the output is the offset in libtensorflow_cc of a page, in hexadecimal.
// The kernel maps a page together with those round it that it has in memory, so the
// answer is one of 64 KiB.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// As tensorflow/c/c_api.h has them.
typedef struct { void *oper; int index; } TF_Output;
#define TF_FLOAT 1

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

static void *open_library(const char *folder, const char *name) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	void *opened = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
	if (opened == NULL) fail(dlerror());
	return opened;
}

static void print_pages(void) {
	FILE *maps = fopen("/proc/self/maps", "r"), *pages = fopen("/proc/self/pagemap", "rb");
	if (maps == NULL || pages == NULL) fail("no map of this process");
	char line[4096];
	long size = sysconf(_SC_PAGESIZE);
	while (fgets(line, sizeof line, maps) != NULL) {
		unsigned long start, end, offset;
		char protection[8];
		if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, protection, &offset) != 4) continue;
		if (strchr(protection, 'x') == NULL || strstr(line, "libtensorflow_cc") == NULL) continue;
		if (fseek(pages, start / size * sizeof(uint64_t), SEEK_SET) != 0) fail("pagemap");
		for (; start < end; start += size, offset += size) {
			uint64_t entry;
			if (fread(&entry, sizeof entry, 1, pages) != 1) fail("pagemap");
			if (entry >> 63) printf("%lx\n", offset);
		}
	}
}

int main(int argc, char **argv) {
	if (argc < 6) fail("profile LIBRARIES MODEL INPUT OUTPUT DIM...");
	setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
	open_library(argv[1], "libtensorflow_framework.so.2");
	library = open_library(argv[1], "libtensorflow_cc.so.2");
	void *status = ((void *(*)(void))symbol("TF_NewStatus"))();
	int (*code)(void *) = symbol("TF_GetCode");
	const char *(*message)(void *) = symbol("TF_Message");
	void *graph = ((void *(*)(void))symbol("TF_NewGraph"))();
	void *options = ((void *(*)(void))symbol("TF_NewSessionOptions"))();
	const char *tags[] = {"serve"};
	void *session = ((void *(*)(void *, void *, const char *, const char **, int, void *, void *, void *))symbol(
		"TF_LoadSessionFromSavedModel"))(options, NULL, argv[2], tags, 1, graph, NULL, status);
	if (code(status) != 0) fail(message(status));
	void *(*operation)(void *, const char *) = symbol("TF_GraphOperationByName");
	TF_Output input = {operation(graph, argv[3]), 0}, output = {operation(graph, argv[4]), 0};
	if (input.oper == NULL || output.oper == NULL) fail("no such operation");
	int64_t shape[8], elements = 1;
	int dims = argc - 5 < 8 ? argc - 5 : 8;
	for (int i = 0; i < dims; i++) elements *= shape[i] = atoll(argv[5 + i]);
	void *value = ((void *(*)(int, const int64_t *, int, size_t))symbol("TF_AllocateTensor"))(TF_FLOAT, shape, dims, elements * 4);
	memset(((void *(*)(void *))symbol("TF_TensorData"))(value), 0, elements * 4);
	void *result = NULL;
	((void (*)(void *, void *, TF_Output *, void **, int, TF_Output *, void **, int, void **, int, void *, void *))symbol("TF_SessionRun"))(
		session, NULL, &input, &value, 1, &output, &result, 1, NULL, 0, NULL, status);
	if (code(status) != 0) fail(message(status));
	print_pages();
	fflush(stdout);
	_exit(0);
}
