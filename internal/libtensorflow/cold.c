#include "cold.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABSENT, WANTED, ARRIVED };

static int count;
static const uintptr_t *starts, *ends;
static atomic_int *states; // one a region
static atomic_int wants;   // how often a region became WANTED
static struct sigaction previous;

// The last address at which this thread found a region that had arrived.
static __thread uintptr_t retried;

static void futex(atomic_int *word, int operation, int value) {
	syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static int find(uintptr_t address) {
	int low = 0, high = count;
	while (low < high) {
		int middle = (low + high) / 2;
		if (ends[middle] <= address) low = middle + 1;
		else high = middle;
	}
	return low < count && starts[low] <= address ? low : -1;
}

// Whatever happens in the handler must be allowed on any thread, with any lock held: the
// memory that it reads was there before it was, and it calls nothing but the kernel.
static void await(int region) {
	int absent = ABSENT;
	if (atomic_compare_exchange_strong(&states[region], &absent, WANTED)) {
		atomic_fetch_add(&wants, 1);
		futex(&wants, FUTEX_WAKE_PRIVATE, 1);
	}
	while (atomic_load(&states[region]) != ARRIVED) futex(&states[region], FUTEX_WAIT_PRIVATE, WANTED);
}

static void handler(int signal, siginfo_t *info, void *context) {
	int before = errno;
	uintptr_t address = (uintptr_t)info->si_addr;
	int region = info->si_code > 0 ? find(address) : -1; // else a process sent the signal
	if (region >= 0 && atomic_load(&states[region]) != ARRIVED) {
		await(region);
		errno = before;
		return;
	}
	if (region >= 0 && retried != address) { // it arrived between the fault and here
		retried = address;
		return;
	}
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(signal, info, context);
	} else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
		sigaction(SIGSEGV, &previous, NULL); // the instruction faults again, and ends the process
	} else {
		previous.sa_handler(signal);
	}
}

int libtensorflow_cold_begin(int n, const uintptr_t *s, const uintptr_t *e) {
	states = calloc(n, sizeof *states);
	if (states == NULL) return ENOMEM;
	starts = s, ends = e, count = n;
	struct sigaction ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	// As for Go's own handler: no other one runs in this one.
	sigfillset(&ours.sa_mask);
	return sigaction(SIGSEGV, &ours, &previous) == 0 ? 0 : errno;
}

int libtensorflow_cold_next(void) {
	for (;;) {
		int seen = atomic_load(&wants);
		for (int i = 0; i < count; i++) {
			if (atomic_load(&states[i]) == WANTED) return i;
		}
		futex(&wants, FUTEX_WAIT_PRIVATE, seen);
	}
}

void libtensorflow_cold_arrived(int region) {
	atomic_store(&states[region], ARRIVED);
	futex(&states[region], FUTEX_WAKE_PRIVATE, INT_MAX);
}
