/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linked into tests that measure coverage: a child that aborts, is killed by
 * what it did, or leaves by _exit() writes its counters first.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void __gcov_dump(void);

void __real_abort(void) __attribute__((__noreturn__));
void __wrap_abort(void) __attribute__((__noreturn__));
void __real__exit(int status) __attribute__((__noreturn__));
void __wrap__exit(int status) __attribute__((__noreturn__));

void __wrap_abort(void)
{
	__gcov_dump();
	__real_abort();
}

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

static void dump_and_die(int signal_number)
{
	__gcov_dump();
	raise(signal_number); /* SA_RESETHAND: what would have happened without us */
}

static void __attribute__((__constructor__(101))) catch_faults(void)
{
	const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
	struct sigaction action = {.sa_handler = dump_and_die, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigaction(faults[i], &action, NULL);
}
