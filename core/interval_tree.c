/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tree: a red-black tree by start, where each node also holds
 * the greatest last of its subtree. Insertion raises that value on its way
 * down, removal lowers it on its way up, and a rotation exchanges two nodes,
 * of which the upper takes over the value and the lower computes its own.
 */
#include <linux/interval_tree.h>

#define RED   0ul
#define BLACK 1ul

static __always_inline struct interval_tree_node *interval(struct rb_node *rb)
{
	return rb_entry(rb, struct interval_tree_node, rb);
}

static __always_inline bool is_black(const struct rb_node *rb)
{
	return rb->__rb_parent_color & BLACK;
}

static __always_inline bool is_red(const struct rb_node *rb)
{
	return rb && !is_black(rb);
}

static __always_inline void set_parent_color(struct rb_node *rb, struct rb_node *parent,
					     unsigned long color)
{
	rb->__rb_parent_color = (unsigned long)parent | color;
}

static __always_inline void set_parent(struct rb_node *rb, struct rb_node *parent)
{
	set_parent_color(rb, parent, rb->__rb_parent_color & BLACK);
}

static __always_inline void set_black(struct rb_node *rb)
{
	rb->__rb_parent_color |= BLACK;
}

static __always_inline void set_red(struct rb_node *rb)
{
	rb->__rb_parent_color &= ~BLACK;
}

static __always_inline unsigned long subtree_last(struct rb_node *rb)
{
	struct interval_tree_node *node = interval(rb);
	unsigned long last = node->last;

	if (rb->rb_left && interval(rb->rb_left)->__subtree_last > last)
		last = interval(rb->rb_left)->__subtree_last;
	if (rb->rb_right && interval(rb->rb_right)->__subtree_last > last)
		last = interval(rb->rb_right)->__subtree_last;
	return last;
}

/*
 * An interval that ended at GONE is no longer below RB: from there up to UNTIL (left alone) or the
 * root. A subtree that reaches further than GONE never had its value from it, and neither has
 * anything above: most removals end here without a look at the other child.
 */
static inline void lower_subtree_last(struct rb_node *rb, struct rb_node *until, unsigned long gone)
{
	for (; rb != until && interval(rb)->__subtree_last == gone; rb = rb_parent(rb)) {
		unsigned long last = subtree_last(rb);

		if (last == gone)
			return;
		interval(rb)->__subtree_last = last;
	}
}

/* Whoever pointed down at OLD points at REPLACEMENT. */
static __always_inline void replace_child(struct rb_root *root, struct rb_node *parent,
					  struct rb_node *old, struct rb_node *replacement)
{
	if (!parent)
		root->rb_node = replacement;
	else if (parent->rb_left == old)
		parent->rb_left = replacement;
	else
		parent->rb_right = replacement;
}

/* After a rotation: UPPER stands where LOWER stood. Colours stay with their nodes. */
static __always_inline void rotated(struct rb_root *root, struct rb_node *lower,
				    struct rb_node *upper)
{
	struct rb_node *parent = rb_parent(lower);

	set_parent(upper, parent);
	set_parent(lower, upper);
	replace_child(root, parent, lower, upper);
	interval(upper)->__subtree_last = interval(lower)->__subtree_last;
	interval(lower)->__subtree_last = subtree_last(lower);
}

static void rotate_left(struct rb_root *root, struct rb_node *lower)
{
	struct rb_node *upper = lower->rb_right;

	lower->rb_right = upper->rb_left;
	if (lower->rb_right)
		set_parent(lower->rb_right, lower);
	upper->rb_left = lower;
	rotated(root, lower, upper);
}

static void rotate_right(struct rb_root *root, struct rb_node *lower)
{
	struct rb_node *upper = lower->rb_left;

	lower->rb_left = upper->rb_right;
	if (lower->rb_left)
		set_parent(lower->rb_left, lower);
	upper->rb_right = lower;
	rotated(root, lower, upper);
}

/* RB, below PARENT, is red and new, or turned red: no red node may have a red parent. */
static void rebalance_insert(struct rb_root *root, struct rb_node *rb, struct rb_node *parent)
{
	struct rb_node *grand, *uncle;

	while (is_red(parent)) {
		grand = rb_parent(parent); /* a red parent is not the root */
		uncle = grand->rb_left == parent ? grand->rb_right : grand->rb_left;
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			rb = grand;
			parent = rb_parent(rb);
			continue;
		}
		if (grand->rb_left == parent) {
			if (parent->rb_right == rb) {
				rotate_left(root, parent);
				parent = rb;
			}
			set_black(parent);
			set_red(grand);
			rotate_right(root, grand);
		} else {
			if (parent->rb_left == rb) {
				rotate_right(root, parent);
				parent = rb;
			}
			set_black(parent);
			set_red(grand);
			rotate_left(root, grand);
		}
		return;
	}
	if (!parent)
		set_black(rb);
}

void interval_tree_insert(struct interval_tree_node *node, struct rb_root_cached *root)
{
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;
	unsigned long start = node->start, last = node->last;
	bool leftmost = true;

	while (*link) {
		struct interval_tree_node *above = interval(*link);

		parent = *link;
		if (above->__subtree_last < last)
			above->__subtree_last = last;
		if (start < above->start) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	node->__subtree_last = last;
	node->rb.rb_left = NULL;
	node->rb.rb_right = NULL;
	set_parent_color(&node->rb, parent, RED);
	*link = &node->rb;
	if (leftmost)
		root->rb_leftmost = &node->rb;
	rebalance_insert(&root->rb_root, &node->rb, parent);
}

/* One side's part of rebalance_remove(); RB is PARENT's left child. True: balanced. */
static bool lift_left(struct rb_root *root, struct rb_node *parent)
{
	struct rb_node *sibling = parent->rb_right;

	if (!is_black(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_left(root, parent);
		sibling = parent->rb_right;
	}
	if (!is_red(sibling->rb_left) && !is_red(sibling->rb_right)) {
		set_red(sibling);
		return false;
	}
	if (!is_red(sibling->rb_right)) {
		rotate_right(root, sibling);
		sibling = parent->rb_right;
	}
	set_parent_color(sibling, rb_parent(sibling), parent->__rb_parent_color & BLACK);
	set_black(parent);
	set_black(sibling->rb_right);
	rotate_left(root, parent);
	return true;
}

static bool lift_right(struct rb_root *root, struct rb_node *parent)
{
	struct rb_node *sibling = parent->rb_left;

	if (!is_black(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_right(root, parent);
		sibling = parent->rb_left;
	}
	if (!is_red(sibling->rb_left) && !is_red(sibling->rb_right)) {
		set_red(sibling);
		return false;
	}
	if (!is_red(sibling->rb_left)) {
		rotate_left(root, sibling);
		sibling = parent->rb_left;
	}
	set_parent_color(sibling, rb_parent(sibling), parent->__rb_parent_color & BLACK);
	set_black(parent);
	set_black(sibling->rb_left);
	rotate_right(root, parent);
	return true;
}

/* The paths through an empty place below PARENT are one black node short. */
static void rebalance_remove(struct rb_root *root, struct rb_node *parent)
{
	struct rb_node *rb = NULL;

	while (parent && !is_red(rb)) {
		if (parent->rb_left == rb ? lift_left(root, parent) : lift_right(root, parent))
			return;
		rb = parent;
		parent = rb_parent(rb);
	}
	if (rb)
		set_black(rb);
}

/*
 * CHILD, all that is below RB or NULL, goes to RB's place; PARENT is above it then. It is a red
 * leaf, since the other side has no black node: black in RB's stead, it leaves nothing amiss.
 * True: the paths through the place are one black node short.
 */
static __always_inline bool lift_child(struct rb_root *root, struct rb_node *rb,
				       struct rb_node *child, struct rb_node *parent)
{
	replace_child(root, rb_parent(rb), rb, child);
	if (!child)
		return is_black(rb);
	set_parent_color(child, parent, BLACK);
	return false;
}

/* Puts SUCC, already out of its own place, into RB's place, colour and value included. */
static void take_place(struct rb_root *root, struct rb_node *rb, struct rb_node *succ)
{
	struct rb_node *parent = rb_parent(rb);

	succ->rb_left = rb->rb_left;
	succ->rb_right = rb->rb_right;
	succ->__rb_parent_color = rb->__rb_parent_color;
	interval(succ)->__subtree_last = interval(rb)->__subtree_last;
	set_parent(succ->rb_left, succ);
	if (succ->rb_right)
		set_parent(succ->rb_right, succ);
	replace_child(root, parent, rb, succ);
}

/* With two children the place that goes is the successor's, which moves here. */
static void remove_inner(struct rb_root *root, struct rb_node *rb)
{
	struct rb_node *succ = rb->rb_right, *parent;
	bool short_of_black;

	while (succ->rb_left)
		succ = succ->rb_left;
	parent = rb_parent(succ);
	if (parent == rb)
		parent = succ;
	short_of_black = lift_child(root, succ, succ->rb_right, parent);
	take_place(root, rb, succ);
	lower_subtree_last(parent, succ, interval(succ)->last);
	lower_subtree_last(succ, NULL, interval(rb)->last);
	if (short_of_black)
		rebalance_remove(root, parent);
}

void interval_tree_remove(struct interval_tree_node *node, struct rb_root_cached *cached)
{
	struct rb_root *root = &cached->rb_root;
	struct rb_node *rb = &node->rb, *parent = rb_parent(rb);
	bool short_of_black;

	if (cached->rb_leftmost == rb)
		cached->rb_leftmost = rb_next(rb);
	if (rb->rb_left && rb->rb_right) {
		remove_inner(root, rb);
		return;
	}
	short_of_black = lift_child(root, rb, rb->rb_left ? rb->rb_left : rb->rb_right, parent);
	lower_subtree_last(parent, NULL, node->last);
	if (short_of_black)
		rebalance_remove(root, parent);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (node->rb_right) {
		for (node = node->rb_right; node->rb_left; node = node->rb_left)
			;
		return (struct rb_node *)node;
	}
	while ((parent = rb_parent(node)) && node == parent->rb_right)
		node = parent;
	return (struct rb_node *)parent;
}

/* Something in RB's subtree reaches START; the first of those that begins by LAST. */
static __always_inline struct interval_tree_node *
search_subtree(struct rb_node *rb, unsigned long start, unsigned long last)
{
	for (;;) {
		struct interval_tree_node *node = interval(rb);

		/* If the left has none that begins by LAST, nothing further right has. */
		if (rb->rb_left && interval(rb->rb_left)->__subtree_last >= start) {
			rb = rb->rb_left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		rb = rb->rb_right; /* it is there: something reaches START, and not here */
	}
}

struct interval_tree_node *interval_tree_iter_first(struct rb_root_cached *root,
						    unsigned long start, unsigned long last)
{
	struct rb_node *top = root->rb_root.rb_node;

	/* The two ends of all intervals together decide most misses. */
	if (!top || interval(top)->__subtree_last < start ||
	    interval(root->rb_leftmost)->start > last)
		return NULL;
	return search_subtree(top, start, last);
}

struct interval_tree_node *interval_tree_iter_next(struct interval_tree_node *node,
						   unsigned long start, unsigned long last)
{
	struct rb_node *rb = &node->rb, *parent;

	if (rb->rb_right && interval(rb->rb_right)->__subtree_last >= start)
		return search_subtree(rb->rb_right, start, last);

	/* Up to each node whose left side is done: it is next, then its right side. */
	while ((parent = rb_parent(rb))) {
		bool from_left = parent->rb_left == rb;

		rb = parent;
		if (!from_left)
			continue;
		if (interval(rb)->start > last)
			return NULL;
		if (interval(rb)->last >= start)
			return interval(rb);
		if (rb->rb_right && interval(rb->rb_right)->__subtree_last >= start)
			return search_subtree(rb->rb_right, start, last);
	}
	return NULL;
}
