// Code that arrives when a thread comes to it: the thread waits for it in the handler of
// the fault.

#ifndef TENSORLAMBDA_COLD_H
#define TENSORLAMBDA_COLD_H

#include <stdint.h>

// libtensorflow_cold_begin takes over SIGSEGV for n regions in the order of their
// addresses, which are inaccessible, and hands on what is not about them. It is for good,
// and the arrays stay. It returns 0 or errno.
int libtensorflow_cold_begin(int n, const uintptr_t *starts, const uintptr_t *ends);

// libtensorflow_cold_next waits until a thread needs a region that has not arrived, and
// returns it. It is for one thread.
int libtensorflow_cold_next(void);

// libtensorflow_cold_arrived lets the threads go on that wait for a region, which is
// accessible.
void libtensorflow_cold_arrived(int region);

#endif
