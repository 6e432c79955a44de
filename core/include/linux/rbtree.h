/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Red-black tree nodes and roots. The one tree of the core is the interval
 * tree, whose code is in interval_tree.c; here is what its users may touch.
 */
#ifndef _MN_LINUX_RBTREE_H
#define _MN_LINUX_RBTREE_H

#include <linux/compiler.h>
#include <linux/types.h>

/* The parent's address; bit 0 is the colour: 1 is black. Its own address: in no tree. */
struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

#define RB_ROOT	       ((struct rb_root){NULL})
#define RB_ROOT_CACHED ((struct rb_root_cached){{NULL}, NULL})

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_parent(n)		    ((struct rb_node *)((n)->__rb_parent_color & ~3UL))

#define RB_EMPTY_ROOT(root) (READ_ONCE((root)->rb_node) == NULL)
#define RB_EMPTY_NODE(node) ((node)->__rb_parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node) ((node)->__rb_parent_color = (unsigned long)(node))

#define rb_first_cached(root) ((root)->rb_leftmost)

/* The node after NODE in order, or NULL. */
struct rb_node *rb_next(const struct rb_node *node);

#endif
