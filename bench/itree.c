/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interval tree alone, without the notifier around it. Part of a unit
 * (unit.h), so that each subject's own tree is timed.
 */
#include <errno.h>
#include <linux/interval_tree.h>
#include <stdlib.h>

#include "itree_keys.h"
#include "op.h"
#include "../platforms/kernel/plan.h"
#include "steady.h"
#include "unit.h"

struct trees {
	size_t intervals, batch, count;
	struct rb_root_cached *root;
	struct interval_tree_node *base;  /* INTERVALS for each tree */
	struct interval_tree_node *extra; /* BATCH for each tree */
	size_t *order;			  /* of a batch */
	struct itree_keys keys;		  /* what is looked up */
};

static void node_init(struct interval_tree_node *node, unsigned long start)
{
	node->start = start;
	node->last = start + ITREE_LENGTH - 1;
}

static void trees_teardown(struct op_run *run)
{
	struct trees *s = run->shared;

	free(s->root);
	free(s->base);
	free(s->extra);
	free(s->order);
	itree_keys_free(&s->keys);
	free(s);
}

static int trees_setup(struct op_run *run)
{
	struct trees *s = calloc(1, sizeof(*s));
	size_t *order;

	if (!s)
		return -ENOMEM;
	run->shared = s;
	s->intervals = (size_t)op_param(run, "intervals");
	s->batch = steady_batch(s->intervals);
	s->count = STEADY_OPS / s->batch;
	s->root = calloc(s->count, sizeof(*s->root));
	s->base = calloc(s->count * s->intervals, sizeof(*s->base));
	s->extra = calloc(s->count * s->batch, sizeof(*s->extra));
	s->order = malloc(s->batch * sizeof(*s->order));
	order = malloc(s->intervals * sizeof(*order));
	if (!s->root || !s->base || !s->extra || !s->order || !order ||
	    itree_keys_init(&s->keys, s->intervals)) {
		free(order);
		return -ENOMEM;
	}
	shuffle(s->order, s->batch);
	shuffle(order, s->intervals);
	for (size_t t = 0; t < s->count; t++) {
		for (size_t i = 0; i < s->intervals; i++) {
			struct interval_tree_node *node = &s->base[t * s->intervals + order[i]];

			node_init(node, itree_start(order[i]));
			interval_tree_insert(node, &s->root[t]);
		}
	}
	free(order);
	return 0;
}

static void lookup_run(struct op_thread *t, uint64_t n)
{
	struct trees *s = t->run->shared;
	const struct itree_keys *keys = &s->keys;

	for (uint64_t i = 0; i < n; i++) {
		unsigned long key = keys->key[i & (ITREE_KEYS - 1)];
		struct interval_tree_node *node = interval_tree_iter_first(s->root, key, key);

		__asm__ __volatile__("" ::"r"(node));
	}
}

/* All that a range of `hits` intervals intersects; an operation is the whole scan. */
static void scan_run(struct op_thread *t, uint64_t n)
{
	struct trees *s = t->run->shared;
	unsigned long span = (unsigned long)op_param(t->run, "hits") * ITREE_STRIDE - 1;

	for (uint64_t i = 0; i < n; i++) {
		unsigned long key = s->keys.key[i & (ITREE_KEYS - 1)];
		struct interval_tree_node *node;

		for (node = interval_tree_iter_first(s->root, key, key + span); node;
		     node = interval_tree_iter_next(node, key, key + span))
			__asm__ __volatile__("" ::"r"(node));
	}
}

static void insert_extras(void *arg)
{
	struct trees *s = arg;
	size_t apart = s->intervals / s->batch;

	for (size_t t = 0; t < s->count; t++) {
		for (size_t j = 0; j < s->batch; j++) {
			struct interval_tree_node *node = &s->extra[t * s->batch + j];

			node_init(node, itree_start(s->order[j] * apart) + ITREE_LENGTH);
			interval_tree_insert(node, &s->root[t]);
		}
	}
}

static void remove_extras(void *arg)
{
	struct trees *s = arg;

	for (size_t t = 0; t < s->count; t++)
		for (size_t j = 0; j < s->batch; j++)
			interval_tree_remove(&s->extra[t * s->batch + s->order[j]], &s->root[t]);
}

static uint64_t insert_timed(struct op_thread *t, uint64_t n)
{
	return steady_forth(n, STEADY_OPS, insert_extras, remove_extras, t->run->shared);
}

static uint64_t remove_timed(struct op_thread *t, uint64_t n)
{
	return steady_back(n, STEADY_OPS, insert_extras, remove_extras, t->run->shared);
}

#define OF(name)                                                                                   \
	.family = "itree", .op = name, .subject = MN_SUBJECT, .variant = "rbtree",                 \
	.flags = OWN_LOCK_ONLY, .setup = trees_setup, .teardown = trees_teardown

static const struct bench_op ops[] = {
	{OF("lookup"), .params = {ITREE_SIZES}, .pass = ITREE_KEYS, .run = lookup_run},
	{OF("insert"), .params = {ITREE_SIZES}, .timed = insert_timed},
	{OF("remove"), .params = {ITREE_SIZES}, .timed = remove_timed},
	{OF("overlap_scan"),
	 .params = {{"intervals", 2, {100, 10000}, 1u << 1}, {"hits", 2, {8, 64}, 1u << 0}},
	 .pass = ITREE_KEYS, .run = scan_run},
};

const struct op_table UNIT_TABLE(itree) = OP_TABLE(ops);
