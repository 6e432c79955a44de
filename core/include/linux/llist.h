/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list with one pointer for a head, for one owner: what a two-pass invalidation collects. */
#ifndef _MN_LINUX_LLIST_H
#define _MN_LINUX_LLIST_H

#include <linux/compiler.h>
#include <linux/types.h>

struct llist_head {
	struct llist_node *first;
};

struct llist_node {
	struct llist_node *next;
};

#define LLIST_HEAD(name) struct llist_head name = {NULL}

#define llist_entry(ptr, type, member) container_of(ptr, type, member)

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* Adds at the front; true when the list was empty. Nobody else uses the list. */
static inline bool __llist_add(struct llist_node *node, struct llist_head *head)
{
	node->next = head->first;
	head->first = node;
	return !node->next;
}

/* Empties the list, and returns what was in it. Nobody else uses the list. */
static inline struct llist_node *__llist_del_all(struct llist_head *head)
{
	struct llist_node *first = head->first;

	head->first = NULL;
	return first;
}

/* The other way round: newest first becomes oldest first. */
static inline struct llist_node *llist_reverse_order(struct llist_node *node)
{
	struct llist_node *reversed = NULL, *next;

	for (; node; node = next) {
		next = node->next;
		node->next = reversed;
		reversed = node;
	}
	return reversed;
}

#define __llist_entry_safe(ptr, type, member)                                                      \
	({                                                                                         \
		struct llist_node *__ll = (ptr);                                                   \
		__ll ? llist_entry(__ll, type, member) : (type *)NULL;                             \
	})

/* From NODE on; the body may free POS. N is another of its kind. */
#define llist_for_each_entry_safe(pos, n, node, member)                                            \
	for (pos = __llist_entry_safe(node, __typeof__(*pos), member);                             \
	     pos && (n = __llist_entry_safe(pos->member.next, __typeof__(*pos), member), true);    \
	     pos = n)

#endif
