// The floor of a cold start: what TensorFlow's C API needs from libraries that lie
// unpacked on disk, with nothing around it. It opens them, loads a SavedModel as a
// session with default options, runs it once and prints how many bytes came out.
//
//	floor LIBRARIES MODEL INPUT OUTPUT DIM...
//
// INPUT and OUTPUT are names of operations, whose first outputs are fed zeros of the
// shape DIM... and fetched. Without DIM the input is one string.

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

static void *library;

static void *symbol(const char *name) {
	void *found = dlsym(library, name);
	if (found == NULL) {
		fprintf(stderr, "floor: no %s\n", name);
		exit(1);
	}
	return found;
}

#define CALL(name) ((__typeof__(&name))symbol(#name))

static void open_library(const char *folder, const char *name) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	library = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
	if (library == NULL) {
		fprintf(stderr, "floor: %s\n", dlerror());
		exit(1);
	}
}

static void check(TF_Status *status) {
	if (CALL(TF_GetCode)(status) == TF_OK) return;
	fprintf(stderr, "floor: %s\n", CALL(TF_Message)(status));
	exit(1);
}

static TF_Output first_output(TF_Graph *graph, const char *operation) {
	TF_Output output = {CALL(TF_GraphOperationByName)(graph, operation), 0};
	if (output.oper == NULL) {
		fprintf(stderr, "floor: no operation %s\n", operation);
		exit(1);
	}
	return output;
}

static TF_Tensor *zeros(int dims, char **sizes) {
	int64_t shape[8], elements = 1;
	for (int i = 0; i < dims && i < 8; i++) elements *= shape[i] = atoll(sizes[i]);
	TF_Tensor *tensor = CALL(TF_AllocateTensor)(TF_FLOAT, shape, dims, elements * sizeof(float));
	memset(CALL(TF_TensorData)(tensor), 0, elements * sizeof(float));
	return tensor;
}

static TF_Tensor *text(const char *content) {
	int64_t shape[1] = {1};
	TF_Tensor *tensor = CALL(TF_AllocateTensor)(TF_STRING, shape, 1, sizeof(TF_TString));
	TF_TString *string = CALL(TF_TensorData)(tensor);
	CALL(TF_StringInit)(string);
	CALL(TF_StringCopy)(string, content, strlen(content));
	return tensor;
}

int main(int argc, char **argv) {
	if (argc < 5) return 2;
	setenv("TF_CPP_MIN_LOG_LEVEL", "2", 0);
	open_library(argv[1], "libtensorflow_framework.so.2");
	open_library(argv[1], "libtensorflow_cc.so.2");
	TF_Status *status = CALL(TF_NewStatus)();
	TF_Graph *graph = CALL(TF_NewGraph)();
	TF_SessionOptions *options = CALL(TF_NewSessionOptions)();
	const char *tags[] = {"serve"};
	TF_Session *session = CALL(TF_LoadSessionFromSavedModel)(options, NULL, argv[2], tags, 1, graph, NULL, status);
	check(status);
	TF_Output input = first_output(graph, argv[3]), output = first_output(graph, argv[4]);
	TF_Tensor *value = argc > 5 ? zeros(argc - 5, argv + 5) : text("word1 word2"), *result = NULL;
	CALL(TF_SessionRun)(session, NULL, &input, &value, 1, &output, &result, 1, NULL, 0, NULL, status);
	check(status);
	printf("%zu\n", CALL(TF_TensorByteSize)(result));
	fflush(stdout);
	_Exit(0); // what TensorFlow takes to end is not its start
}
