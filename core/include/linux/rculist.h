/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hash lists that are walked without the writer's lock, inside a read section. */
#ifndef _MN_LINUX_RCULIST_H
#define _MN_LINUX_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

/* A reader sees N whole or not at all: N's link is set before it is published. */
static inline void hlist_add_head_rcu(struct hlist_node *n, struct hlist_head *h)
{
	struct hlist_node *first = h->first;

	WRITE_ONCE(n->next, first);
	WRITE_ONCE(n->pprev, &h->first);
	rcu_assign_pointer(h->first, n);
	if (first)
		WRITE_ONCE(first->pprev, &n->next);
}

/* Leaves n->next as it is, for the readers that stand on N; n->pprev is cleared. */
static inline void hlist_del_init_rcu(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	__hlist_del(n);
	WRITE_ONCE(n->pprev, NULL);
}

/* COND, when there is one, says which lock stands in for the read section. */
#define hlist_for_each_entry_rcu(pos, head, member, ...)                                           \
	for (pos = hlist_entry_safe(rcu_dereference((head)->first), __typeof__(*pos), member);     \
	     pos;                                                                                  \
	     pos = hlist_entry_safe(rcu_dereference(pos->member.next), __typeof__(*pos), member))
#define hlist_for_each_entry_srcu(pos, head, member, cond)                                         \
	hlist_for_each_entry_rcu(pos, head, member)

#endif
