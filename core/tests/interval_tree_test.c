/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tree beside a plain sorted array, through random changes. The
 * seed is printed; given back as the first argument it replays the run.
 */
#include <linux/interval_tree.h>
#include <linux/kernel.h>

#include "check.h"

#define MOST 400

/* In the order that the tree promises: by start, equal starts as they came. */
static struct interval_tree_node *model[MOST];
static size_t n_model;
static struct interval_tree_node nodes[MOST];
static bool inside[MOST];
static struct rb_root_cached root;

/* ---- randomness ---- */

static u64 state;

static u64 any(void) /* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static unsigned long below(unsigned long n)
{
	return (unsigned long)(any() >> 16) % n;
}

/* ---- the plain answer ---- */

static void model_insert(struct interval_tree_node *node)
{
	size_t at = n_model++;

	for (; at && model[at - 1]->start > node->start; at--)
		model[at] = model[at - 1];
	model[at] = node;
}

static void model_remove(struct interval_tree_node *node)
{
	size_t at = 0;

	while (model[at] != node)
		at++;
	for (n_model--; at < n_model; at++)
		model[at] = model[at + 1];
}

/* The first at or after AT that intersects; NULL when none. */
static struct interval_tree_node *model_next(size_t *at, unsigned long start, unsigned long last)
{
	for (; *at < n_model; ++*at)
		if (model[*at]->start <= last && model[*at]->last >= start)
			return model[(*at)++];
	return NULL;
}

/* ---- what a tree must be ---- */

static struct interval_tree_node *interval(struct rb_node *rb)
{
	return rb_entry(rb, struct interval_tree_node, rb);
}

static bool black(struct rb_node *rb)
{
	return !rb || rb->__rb_parent_color & 1;
}

static size_t visited;
static bool broken;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	if (!broken)
		printf("invariant: %s\n", what);
	broken = true;
}

/* Checks RB's subtree; returns its count of black nodes on each way down. */
static int visit(struct rb_node *rb, struct rb_node *parent, unsigned long *last)
{
	struct interval_tree_node *node;
	unsigned long left_last = 0, right_last = 0;
	int left, right;

	*last = 0;
	if (!rb || broken)
		return 1;
	node = interval(rb);
	must(rb_parent(rb) == parent, "a child knows its parent");
	must(black(rb) || black(parent), "no red node has a red parent");
	left = visit(rb->rb_left, rb, &left_last);
	must(visited < n_model && model[visited] == node, "order is the list's");
	visited++;
	right = visit(rb->rb_right, rb, &right_last);
	must(left == right, "as many black nodes on every way down");
	*last = max(node->last, max(left_last, right_last));
	must(node->__subtree_last == *last, "__subtree_last is the greatest last below");
	return left + (black(rb) ? 1 : 0);
}

static bool valid(void)
{
	unsigned long last;
	struct rb_node *rb;

	visited = 0;
	broken = false;
	must(black(root.rb_root.rb_node), "the root is black");
	visit(root.rb_root.rb_node, NULL, &last);
	must(visited == n_model, "as many nodes as in the list");
	must(rb_first_cached(&root) == (n_model ? &model[0]->rb : NULL), "leftmost is the first");
	visited = 0;
	for (rb = rb_first_cached(&root); rb && visited < n_model; rb = rb_next(rb))
		must(interval(rb) == model[visited++], "rb_next() follows the order");
	must(!rb && visited == n_model, "rb_next() ends with the last");
	return !broken;
}

static bool lookup_agrees(unsigned long start, unsigned long last)
{
	struct interval_tree_node *got = interval_tree_iter_first(&root, start, last), *want;
	size_t at = 0;

	do {
		want = model_next(&at, start, last);
		if (got != want)
			return false;
		if (got)
			got = interval_tree_iter_next(got, start, last);
	} while (want);
	return true;
}

/* ---- steps ---- */

static void put_in(size_t i, unsigned long start, unsigned long last)
{
	/* Whatever the links held before may not matter. */
	memset(&nodes[i], 0xa5, sizeof(nodes[i]));
	nodes[i].start = start;
	nodes[i].last = last;
	interval_tree_insert(&nodes[i], &root);
	model_insert(&nodes[i]);
	inside[i] = true;
}

static void take_out(size_t i)
{
	interval_tree_remove(&nodes[i], &root);
	model_remove(&nodes[i]);
	inside[i] = false;
}

/* Intervals of many sizes; few starts, so that many are equal; now and then the very ends. */
static void random_interval(unsigned long space, unsigned long *start, unsigned long *last)
{
	unsigned long length = 1ul << below(20);

	*start = below(space) << 4;
	*last = *start + below(length);
	if (!below(50))
		*last = ULONG_MAX;
	if (!below(50))
		*start = 0;
}

static bool step(size_t n, unsigned long space)
{
	unsigned long start, last;
	size_t i = below(n);

	if (inside[i]) {
		take_out(i);
	} else {
		random_interval(space, &start, &last);
		put_in(i, start, last);
	}
	if (!valid())
		return false;
	random_interval(space, &start, &last);
	return lookup_agrees(start, last) && lookup_agrees(start, start) &&
	       lookup_agrees(0, ULONG_MAX) && lookup_agrees(ULONG_MAX, ULONG_MAX);
}

static void random_steps(void)
{
	static const struct {
		size_t nodes;
		unsigned long space;
	} kinds[] = {{3, 4}, {12, 8}, {60, 1 << 10}, {60, 1}, {MOST, 1 << 16}};

	printf("  seed %llu\n", (unsigned long long)state);
	fflush(stdout);
	for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		unsigned long steps = rounds(kinds[kind].nodes == MOST ? 4000 : 20000), done = 0;

		while (done < steps && step(kinds[kind].nodes, kinds[kind].space))
			done++;
		CHECK_EQ(done, steps);
		if (done < steps)
			return;
		for (size_t i = 0; i < kinds[kind].nodes; i++)
			if (inside[i])
				take_out(i);
		CHECK(valid());
	}
}

static void empty(void)
{
	CHECK(!interval_tree_iter_first(&root, 0, ULONG_MAX));
	CHECK(valid());
}

static void equal_starts_stay_in_order(void)
{
	struct interval_tree_node *node;

	for (size_t i = 0; i < 100; i++)
		put_in(i, 7, 7 + below(100));
	CHECK(valid());
	node = interval_tree_iter_first(&root, 7, 7);
	for (size_t i = 0; i < 100; i++) {
		CHECK(node == &nodes[i]);
		if (node)
			node = interval_tree_iter_next(node, 7, 7);
	}
	CHECK(!node);
	for (size_t i = 0; i < 100; i++)
		take_out(i);
}

/* Sorted and reversed insertion, and removal from either end: the long rotations. */
static void in_order(void)
{
	bool ok = true;

	for (int way = 0; way < 4; way++) {
		for (size_t i = 0; i < 200; i++) {
			size_t n = way & 1 ? i : 199 - i;

			put_in(n, 16 * n, 16 * n + below(64));
			ok = ok && valid();
		}
		for (size_t i = 0; i < 200; i++) {
			take_out(way & 2 ? i : 199 - i);
			ok = ok && valid();
		}
	}
	CHECK(ok);
}

int main(int argc, char **argv)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	state = argc > 1 ? strtoull(argv[1], NULL, 0)
			 : (u64)now.tv_sec * 1000000007u + (u64)now.tv_nsec;
	state |= !state; /* never 0: that is where the generator stops */
	RUN(random_steps);
	if (check_failed) /* the tree is not to be touched again */
		return check_exit();
	RUN(empty);
	RUN(equal_starts_stay_in_order);
	RUN(in_order);
	return check_exit();
}
