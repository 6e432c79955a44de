/* SPDX-License-Identifier: GPL-2.0-or-later */
/* munmap() and mprotect() of populated ranges under subscriptions that the twin's device holds. */
#ifndef MNBENCH_KERNEL_RANGES_H
#define MNBENCH_KERNEL_RANGES_H

/* Rows to standard output, as the module has them. 0, or -errno with what failed in *WHAT. */
int ranges_run(const char *device, const char **what);

#endif
