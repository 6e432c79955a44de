/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash list: one pointer per head, O(1) removal; what the notifier uses. */
#ifndef _MN_LINUX_LIST_H
#define _MN_LINUX_LIST_H

#include <linux/compiler.h>
#include <linux/poison.h>
#include <linux/types.h>

#define HLIST_HEAD_INIT                                                                            \
	{                                                                                          \
		NULL                                                                               \
	}
#define INIT_HLIST_HEAD(h)   ((h)->first = NULL)
#define hlist_entry(p, t, m) container_of(p, t, m)

static inline void INIT_HLIST_NODE(struct hlist_node *n)
{
	n->next = NULL;
	n->pprev = NULL;
}

/* Also true from the writer's side right after hlist_del_init*(). */
static inline int hlist_unhashed(const struct hlist_node *n)
{
	return !READ_ONCE(n->pprev);
}

static inline int hlist_empty(const struct hlist_head *h)
{
	return !READ_ONCE(h->first);
}

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		WRITE_ONCE(n->next->pprev, &n->next);
	WRITE_ONCE(h->first, n);
	WRITE_ONCE(n->pprev, &h->first);
}

static inline void __hlist_del(struct hlist_node *n)
{
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		WRITE_ONCE(n->next->pprev, n->pprev);
}

static inline void hlist_del(struct hlist_node *n)
{
	__hlist_del(n);
	INIT_HLIST_NODE(n);
}

static inline void hlist_del_init(struct hlist_node *n)
{
	if (!hlist_unhashed(n))
		hlist_del(n);
}

#define hlist_entry_safe(ptr, type, member)                                                        \
	({                                                                                         \
		__auto_type __hl = (ptr);                                                          \
		__hl ? hlist_entry(__hl, type, member) : (type *)NULL;                             \
	})

#define hlist_for_each_entry(pos, head, member)                                                    \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member); pos;                 \
	     pos = hlist_entry_safe(pos->member.next, __typeof__(*pos), member))

/* The same while the body may unlink POS; N is a struct hlist_node *. */
#define hlist_for_each_entry_safe(pos, n, head, member)                                            \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member);                      \
	     pos && ((n = pos->member.next), 1);                                                   \
	     pos = hlist_entry_safe(n, __typeof__(*pos), member))

#endif
