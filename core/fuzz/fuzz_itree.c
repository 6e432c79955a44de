/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tree against a plain list: an input is a sequence of
 * insertions, removals and searches, and after each one the two agree. The
 * tree is also looked at from inside: colours, links, greatest ends.
 */
#include <linux/interval_tree.h>

#include "bytes.h"

#define NODES 48

static struct interval_tree_node nodes[NODES];

/* The list: NODES in the tree's order, by start and equal starts as they came. */
static struct interval_tree_node *list[NODES];
static unsigned int listed;

static unsigned int list_place(const struct interval_tree_node *node)
{
	unsigned int i = 0;

	while (i < listed && list[i] != node)
		i++;
	return i;
}

static void list_insert(struct interval_tree_node *node)
{
	unsigned int i;

	for (i = listed++; i && list[i - 1]->start > node->start; i--)
		list[i] = list[i - 1];
	list[i] = node;
}

static void list_remove(unsigned int i)
{
	for (listed--; i < listed; i++)
		list[i] = list[i + 1];
}

/* The first from place I on that meets [start, last], or NULL. */
static struct interval_tree_node *list_search(unsigned int i, unsigned long start,
					      unsigned long last)
{
	for (; i < listed; i++)
		if (list[i]->start <= last && list[i]->last >= start)
			return list[i];
	return NULL;
}

/* ---- the tree from inside ---- */

static struct interval_tree_node *to_node(struct rb_node *rb)
{
	return rb_entry(rb, struct interval_tree_node, rb);
}

static bool red(const struct rb_node *rb)
{
	return rb && !(rb->__rb_parent_color & 1);
}

/* A subtree's black height; *PLACE is the list's next, *LAST the subtree's greatest end. */
static unsigned int check_subtree(struct rb_node *rb, unsigned int *place, unsigned long *last)
{
	unsigned long left = 0, right = 0;
	unsigned int height;

	*last = 0;
	if (!rb)
		return 1;
	REQUIRE(*place < listed);
	REQUIRE(!rb->rb_left || rb_parent(rb->rb_left) == rb);
	REQUIRE(!rb->rb_right || rb_parent(rb->rb_right) == rb);
	REQUIRE(!red(rb) || (!red(rb->rb_left) && !red(rb->rb_right)));

	height = check_subtree(rb->rb_left, place, &left);
	REQUIRE(list[(*place)++] == to_node(rb));
	REQUIRE(check_subtree(rb->rb_right, place, &right) == height);

	*last = to_node(rb)->last;
	if (left > *last)
		*last = left;
	if (right > *last)
		*last = right;
	REQUIRE(to_node(rb)->__subtree_last == *last);
	return height + !red(rb);
}

static void check_tree(const struct rb_root_cached *root)
{
	struct rb_node *top = root->rb_root.rb_node;
	unsigned int place = 0;
	unsigned long last;

	REQUIRE(!red(top));
	REQUIRE(!top || !rb_parent(top));
	check_subtree(top, &place, &last);
	REQUIRE(place == listed);
	REQUIRE(root->rb_leftmost == (listed ? &list[0]->rb : NULL));
}

/* ---- what an input asks for ---- */

static void change(struct bytes *in, struct rb_root_cached *root)
{
	struct interval_tree_node *node = &nodes[take_below(in, NODES)];
	unsigned int place = list_place(node);
	unsigned long a, b;

	if (place < listed) {
		list_remove(place);
		interval_tree_remove(node, root);
	} else {
		a = take_address(in);
		b = take_address(in);
		node->start = a < b ? a : b;
		node->last = a < b ? b : a;
		list_insert(node);
		interval_tree_insert(node, root);
	}
	check_tree(root);
}

/* All that meet [start, last]; and what meets it after any one node, met or not. */
static void search(struct bytes *in, struct rb_root_cached *root)
{
	unsigned long a = take_address(in), b = take_address(in);
	unsigned long start = a < b ? a : b, last = a < b ? b : a;
	struct interval_tree_node *got = interval_tree_iter_first(root, start, last);
	struct interval_tree_node *want = list_search(0, start, last);

	for (; want; got = interval_tree_iter_next(got, start, last)) {
		REQUIRE(got == want);
		want = list_search(list_place(want) + 1, start, last);
	}
	REQUIRE(!got);
	for (unsigned int i = 0; i < listed; i++)
		REQUIRE(interval_tree_iter_next(list[i], start, last) ==
			list_search(i + 1, start, last));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, data + size};
	struct rb_root_cached root = RB_ROOT_CACHED;

	listed = 0;
	while (bytes_left(&in)) {
		if (take(&in) & 3)
			change(&in, &root);
		else
			search(&in, &root);
	}
	return 0;
}
