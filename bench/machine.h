/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine.json: what a reader must know of the machine and the build to judge the figures. */
#ifndef MNBENCH_MACHINE_H
#define MNBENCH_MACHINE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct clock_facts;
struct pin_topology;

/* A library that the binary was built with; version NULL: unknown. */
struct machine_library {
	const char *name;
	const char *version;
};

/* What machine.c cannot find out by itself; NULL is unknown (null in the file). */
struct machine_facts {
	const char *run_id;
	const char *arch;      /* x86_64, arm64, riscv64 */
	const char *execution; /* NULL: machine_execution() */
	const struct pin_topology *topo;
	const char *counters;			 /* perfctr_open()'s line */
	const struct machine_library *libraries; /* ends with a NULL name */
	double order_seed;			 /* of the benchmarks' order; NAN: none */
	const struct clock_facts *clock;	 /* what single operations are timed by */
};

/*
 * How this process runs: "qemu-user" where qemu's user mode emulates it, else "native". A guest of
 * a full system emulation cannot tell for sure, and says "native" too.
 */
const char *machine_execution(void);

/*
 * Write machine.json, beside and renamed: the old file or the new one, never part of one. What
 * cannot be found out is null. Compiler, flags and revision come from the build, see machine.c.
 * Under qemu's user mode CPU, caches and kernel are those of the host beneath.
 * 0, or -errno with one line in `why` that names the file; `why` may be NULL with a length of 0.
 */
int machine_write(const char *path, const struct machine_facts *facts, char *why, size_t len);

#ifdef __cplusplus
}
#endif

#endif
