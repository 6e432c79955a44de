/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publication of pointers to readers that hold no lock. */
#ifndef _MN_LINUX_RCUPDATE_H
#define _MN_LINUX_RCUPDATE_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Pairs with rcu_dereference(): without the release a reader could follow the
 * new pointer to an object whose fields it still sees as they were before.
 */
#define rcu_assign_pointer(p, v) smp_store_release(&(p), (v))

/*
 * The address dependency orders the reads through the pointer on all three
 * architectures; the sanitizer wants the acquire said.
 */
#ifdef CONFIG_TSAN
#define rcu_dereference(p) smp_load_acquire(&(p))
#else
#define rcu_dereference(p) READ_ONCE(p)
#endif
#define rcu_dereference_raw(p)		rcu_dereference(p)
#define srcu_dereference(p, ssp)	((void)(ssp), rcu_dereference(p))
#define rcu_dereference_protected(p, c) ((void)(c), (p))

#endif
