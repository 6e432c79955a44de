/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closed intervals [start, last], ordered by start, equal starts in the order
 * of their insertion; each node knows the greatest last of its subtree, so a
 * subtree without a hit is passed over. The caller excludes writers.
 */
#ifndef _MN_LINUX_INTERVAL_TREE_H
#define _MN_LINUX_INTERVAL_TREE_H

#include <linux/rbtree.h>

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start; /* first address inside */
	unsigned long last;  /* last address inside, >= start */
	unsigned long __subtree_last;
};

/** interval_tree_insert - NODE, start and last set, is in no tree; O(log n) */
void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root);

/** interval_tree_remove - NODE is in this tree; its rb part is left undefined; O(log n) */
void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *root);

/** interval_tree_iter_first - first interval that intersects [start, last], or NULL */
struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root,
						    unsigned long start, unsigned long last);

/** interval_tree_iter_next - the one after NODE that intersects [start, last], or NULL */
struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node,
						   unsigned long start, unsigned long last);

#endif
