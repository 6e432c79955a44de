/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_KERNEL_H
#define _MN_LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <limits.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/printk.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define min(a, b)                                                                                  \
	({                                                                                         \
		__auto_type __min_a = (a);                                                         \
		__auto_type __min_b = (b);                                                         \
		__min_a < __min_b ? __min_a : __min_b;                                             \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__auto_type __max_a = (a);                                                         \
		__auto_type __max_b = (b);                                                         \
		__max_a > __max_b ? __max_a : __max_b;                                             \
	})

#endif
