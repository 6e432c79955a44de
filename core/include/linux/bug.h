/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_BUG_H
#define _MN_LINUX_BUG_H

#include <linux/compiler.h>
#include <linux/printk.h>
#include <linux/types.h>

/* One per WARN_ON in the source: where it is, and how often it fired. */
struct bug_site {
	const char *file;
	const char *func;
	const char *cond;
	unsigned int line;
	unsigned int count;
};

/**
 * bug_warn - counts a warning, and prints it the first time its place fires
 * Any context, any thread; takes no lock of the core.
 */
void bug_warn(struct bug_site *site);

/** bug_die - prints the place and aborts; does not return */
void bug_die(const char *file, unsigned int line, const char *func, const char *cond)
	__attribute__((__noreturn__, __cold__));

/** bug_warn_count - warnings so far, of all places: what a test compares */
unsigned long bug_warn_count(void);

#define __WARN_AT(cond_str)                                                                        \
	do {                                                                                       \
		static struct bug_site __site = {__FILE__, __func__, cond_str, __LINE__, 0};       \
		bug_warn(&__site);                                                                 \
	} while (0)

#define WARN_ON(condition)                                                                         \
	({                                                                                         \
		bool __warn_ret = !!(condition);                                                   \
		if (unlikely(__warn_ret))                                                          \
			__WARN_AT(#condition);                                                     \
		unlikely(__warn_ret);                                                              \
	})
/* Printing once per place is what WARN_ON does here already. */
#define WARN_ON_ONCE(condition) WARN_ON(condition)

#define BUG() bug_die(__FILE__, __LINE__, __func__, "BUG()")
#define BUG_ON(condition)                                                                          \
	do {                                                                                       \
		if (unlikely(condition))                                                           \
			bug_die(__FILE__, __LINE__, __func__, #condition);                         \
	} while (0)

#endif
