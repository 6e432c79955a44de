/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that picks an architecture. What a port provides, and with
 * which guarantees, is in README.md beside this file; generic.h fills in what
 * a port leaves out.
 */
#ifndef MN_PLATFORMS_ARCH_H
#define MN_PLATFORMS_ARCH_H

#if defined(__x86_64__) && !defined(__ILP32__)
#include "x86_64/arch.h"
#elif defined(__aarch64__) && !defined(__ILP32__)
#include "arm64/arch.h"
#elif defined(__riscv) && __riscv_xlen == 64
#include "riscv64/arch.h"
#else
#error "no port for this architecture: fill in platforms/ARCH/arch.h as platforms/README.md says"
#endif

#include "generic.h"

#endif
