/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines of the itree family. A linear list finds what a tree finds;
 * liburcu's hash table only finds an interval by its start: what a look-up
 * costs where no overlap has to be found. Neither cares for a few elements
 * more, so a pass of insertions goes into one structure of any size.
 */
#include <errno.h>
#include <stdlib.h>

#define _LGPL_SOURCE
#include <urcu/urcu-memb.h>
#include <urcu/cds.h>

#include "itree_keys.h"
#include "op.h"
#include "steady.h"

struct element {
	unsigned long start, last;
	union {
		struct cds_list_head list;
		struct cds_lfht_node hash;
	};
};

struct base {
	size_t intervals;
	struct element *element; /* INTERVALS, then STEADY_OPS more */
	struct cds_list_head list;
	struct cds_lfht *hash;
	struct itree_keys keys;
};

static int base_setup(struct op_run *run)
{
	struct base *s = calloc(1, sizeof(*s));
	size_t n;

	if (!s)
		return -ENOMEM;
	run->shared = s;
	s->intervals = (size_t)op_param(run, "intervals");
	n = s->intervals + STEADY_OPS;
	s->element = calloc(n, sizeof(*s->element));
	if (!s->element || itree_keys_init(&s->keys, s->intervals))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s->element[i].start = itree_start(i);
		s->element[i].last = itree_start(i) + ITREE_LENGTH - 1;
	}
	return 0;
}

static void base_teardown(struct op_run *run)
{
	struct base *s = run->shared;

	free(s->element);
	itree_keys_free(&s->keys);
	free(s);
}

/* ---- linear list ---- */

static int list_setup(struct op_run *run)
{
	int ret = base_setup(run);
	struct base *s = run->shared;

	if (ret)
		return ret;
	CDS_INIT_LIST_HEAD(&s->list);
	for (size_t i = 0; i < s->intervals; i++)
		cds_list_add_tail(&s->element[i].list, &s->list);
	return 0;
}

static void list_lookup(struct op_thread *t, uint64_t n)
{
	struct base *s = t->run->shared;
	struct element *e;

	for (uint64_t i = 0; i < n; i++) {
		unsigned long key = s->keys.key[i & (ITREE_KEYS - 1)];

		cds_list_for_each_entry(e, &s->list, list)
			if (key >= e->start && key <= e->last)
				break;
		__asm__ __volatile__("" ::"r"(e));
	}
}

static void list_add_extras(void *arg)
{
	struct base *s = arg;

	for (size_t j = 0; j < STEADY_OPS; j++)
		cds_list_add(&s->element[s->intervals + j].list, &s->list);
}

static void list_del_extras(void *arg)
{
	struct base *s = arg;

	for (size_t j = 0; j < STEADY_OPS; j++)
		cds_list_del(&s->element[s->intervals + j].list);
}

/* ---- hash table ---- */

static unsigned long hash_of(unsigned long start)
{
	return start / ITREE_STRIDE * 0x9e3779b97f4a7c15ul >> 16;
}

static int same_start(struct cds_lfht_node *node, const void *key)
{
	return caa_container_of(node, struct element, hash)->start == *(const unsigned long *)key;
}

static void hash_add(struct base *s, struct element *e)
{
	urcu_memb_read_lock();
	cds_lfht_add(s->hash, hash_of(e->start), &e->hash);
	urcu_memb_read_unlock();
}

static void hash_del(struct base *s, struct element *e)
{
	urcu_memb_read_lock();
	cds_lfht_del(s->hash, &e->hash);
	urcu_memb_read_unlock();
}

static int hash_thread(struct op_thread *t)
{
	(void)t;
	urcu_memb_register_thread();
	return 0;
}

static void hash_thread_end(struct op_thread *t)
{
	(void)t;
	urcu_memb_unregister_thread();
}

static int hash_setup(struct op_run *run)
{
	int ret = base_setup(run);
	struct base *s = run->shared;
	unsigned long buckets = 1;

	if (ret)
		return ret;
	while (buckets < s->intervals + STEADY_OPS)
		buckets *= 2;
	s->hash = cds_lfht_new_flavor(buckets, buckets, buckets, 0, &urcu_memb_flavor, NULL);
	if (!s->hash)
		return -ENOMEM;
	urcu_memb_register_thread();
	for (size_t i = 0; i < s->intervals; i++)
		hash_add(s, &s->element[i]);
	urcu_memb_unregister_thread();
	return 0;
}

static void hash_teardown(struct op_run *run)
{
	struct base *s = run->shared;

	urcu_memb_register_thread();
	for (size_t i = 0; i < s->intervals; i++)
		hash_del(s, &s->element[i]);
	urcu_memb_unregister_thread();
	cds_lfht_destroy(s->hash, NULL);
	base_teardown(run);
}

static void hash_lookup(struct op_thread *t, uint64_t n)
{
	struct base *s = t->run->shared;

	for (uint64_t i = 0; i < n; i++) {
		unsigned long key = s->keys.key[i & (ITREE_KEYS - 1)];
		struct cds_lfht_iter iter;

		urcu_memb_read_lock();
		cds_lfht_lookup(s->hash, hash_of(key), same_start, &key, &iter);
		urcu_memb_read_unlock();
		__asm__ __volatile__("" ::"r"(cds_lfht_iter_get_node(&iter)));
	}
}

static void hash_add_extras(void *arg)
{
	struct base *s = arg;

	for (size_t j = 0; j < STEADY_OPS; j++)
		hash_add(s, &s->element[s->intervals + j]);
}

/* A node taken out may be put back only after a grace period; nobody else reads here. */
static void hash_del_extras(void *arg)
{
	struct base *s = arg;

	for (size_t j = 0; j < STEADY_OPS; j++)
		hash_del(s, &s->element[s->intervals + j]);
}

static uint64_t list_insert(struct op_thread *t, uint64_t n)
{
	return steady_forth(n, STEADY_OPS, list_add_extras, list_del_extras, t->run->shared);
}

static uint64_t list_remove(struct op_thread *t, uint64_t n)
{
	return steady_back(n, STEADY_OPS, list_add_extras, list_del_extras, t->run->shared);
}

static uint64_t hash_insert(struct op_thread *t, uint64_t n)
{
	return steady_forth(n, STEADY_OPS, hash_add_extras, hash_del_extras, t->run->shared);
}

static uint64_t hash_remove(struct op_thread *t, uint64_t n)
{
	return steady_back(n, STEADY_OPS, hash_add_extras, hash_del_extras, t->run->shared);
}

#define OF(name, what) .family = "itree", .op = name, .subject = "baseline", .variant = what
#define LIST(name)     OF(name, "linear_list"), .setup = list_setup, .teardown = base_teardown
#define HASH(name)                                                                                 \
	OF(name, "rculfhash"), .setup = hash_setup, .teardown = hash_teardown,                     \
			       .thread_setup = hash_thread, .thread_teardown = hash_thread_end
/* A list is searched from end to end: past some thousands the figure is known. */
#define LIST_SIZES                                                                                 \
	{                                                                                          \
		"intervals", 3, {1, 100, 10000}, PARAM_ALL_QUICK                                   \
	}

static const struct bench_op ops[] = {
	{LIST("lookup"), .params = {LIST_SIZES}, .batch = 1, .pass = ITREE_KEYS,
	 .run = list_lookup},
	{LIST("insert"), .params = {LIST_SIZES}, .timed = list_insert},
	{LIST("remove"), .params = {LIST_SIZES}, .timed = list_remove},
	{HASH("lookup"), .params = {ITREE_SIZES}, .pass = ITREE_KEYS, .run = hash_lookup},
	{HASH("insert"), .params = {ITREE_SIZES}, .timed = hash_insert},
	{HASH("remove"), .params = {ITREE_SIZES}, .timed = hash_remove},
};

const struct op_table itree_base_ops = OP_TABLE(ops);
