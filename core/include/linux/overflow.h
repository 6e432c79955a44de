/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_OVERFLOW_H
#define _MN_LINUX_OVERFLOW_H

/* *D = A + B, and whether that did not fit; *D is then what is left of it. */
#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)

#endif
