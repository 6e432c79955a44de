/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the notifiers of one mm must do, in arrays and without locks: the
 * oracle of fuzz_ops.c. It knows the interface's contract, not the port.
 */
#ifndef MN_FUZZ_MODEL_H
#define MN_FUZZ_MODEL_H

#include <linux/mmu_notifier.h>

#include "bytes.h"

#define INTERVALS 12
#define LISTENERS 6
#define GETTERS	  2
#define RANGES	  8

enum place {
	IN_TREE,
	WAITS_IN,  /* on the deferred list, to be inserted */
	WAITS_OUT, /* in the tree, and on the deferred list to be removed */
	OUT	   /* removed, but the call has not returned */
};

/* A live one; its memory goes as soon as remove has returned, so that a late use is seen. */
struct interval {
	struct mmu_interval_notifier sub;
	unsigned long start, last, seq;
	enum place place;
	unsigned int readers; /* inside read_begin: it may not be removed */
};

struct listener {
	struct mmu_notifier sub;
	struct mmu_notifier_ops ops;
	struct listener **slot; /* what points here until it is freed */
	bool hashed;
	unsigned int users;
};

/* A range between its start and end; one that was refused when it had begun stays for good. */
struct open_range {
	struct mmu_notifier_range range;
	bool refused;
};

static struct model {
	bool subscribed, intervals_on;
	unsigned long seq, active;
	struct interval *tree[INTERVALS], *deferred[INTERVALS];
	unsigned int in_tree, waiting;
	struct listener *list[LISTENERS + GETTERS]; /* oldest first: walks go from the end */
	unsigned int listed;
	struct open_range *ranges[RANGES];
	unsigned int open, locked; /* ranges; those that hold mmap_lock */
	int users, count;	   /* of the mm */
	unsigned long warns, wakes;
	bool announced; /* somebody slept since the last wake-up */
} model;

/* ---- interval side ---- */

static inline void tree_insert(struct interval *interval)
{
	unsigned int i;

	for (i = model.in_tree++; i && model.tree[i - 1]->start > interval->start; i--)
		model.tree[i] = model.tree[i - 1];
	model.tree[i] = interval;
	interval->place = IN_TREE;
}

static inline void interval_forget(struct interval **array, unsigned int *n,
				   struct interval *interval)
{
	unsigned int i = 0;

	while (array[i] != interval)
		i++;
	for (--*n; i < *n; i++)
		array[i] = array[i + 1];
}

static inline void tree_remove(struct interval *interval)
{
	interval_forget(model.tree, &model.in_tree, interval);
	interval->place = OUT;
}

/* Those that meet the range, in order; and how many. */
static inline unsigned int model_start(unsigned long start, unsigned long end,
				       struct interval **hit)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < model.in_tree; i++)
		if (model.tree[i]->start < end && model.tree[i]->last >= start)
			hit[n++] = model.tree[i];
	model.active++;
	if (n)
		model.seq |= 1;
	return n;
}

static inline void model_end(void)
{
	struct interval *interval;

	if (--model.active || !(model.seq & 1))
		return;
	model.seq++;
	while (model.waiting) {
		interval = model.deferred[--model.waiting];
		if (interval->place == WAITS_IN)
			tree_insert(interval);
		else
			tree_remove(interval);
	}
	model.wakes += model.announced;
	model.announced = false;
}

static inline void model_insert(struct interval *interval)
{
	model.count++;
	if (!model.active) {
		interval->seq = model.seq - 1;
		tree_insert(interval);
		return;
	}
	if (model.seq & 1) {
		interval->place = WAITS_IN;
		model.deferred[model.waiting++] = interval;
	} else {
		model.seq |= 1;
		tree_insert(interval);
	}
	interval->seq = model.seq;
}

/* A removal of this one now would have to wait for the ranges' end. */
static inline bool removal_waits(const struct interval *interval)
{
	return (model.seq & 1) && interval->place == IN_TREE;
}

static inline void model_remove(struct interval *interval)
{
	if (removal_waits(interval)) {
		interval->place = WAITS_OUT;
		model.deferred[model.waiting++] = interval;
	} else if (interval->place == WAITS_IN) {
		interval_forget(model.deferred, &model.waiting, interval);
	} else {
		tree_remove(interval);
	}
}

/* ---- list side ---- */

static inline void model_listen(struct listener *listener)
{
	model.subscribed = true;
	model.count++;
	model.list[model.listed++] = listener;
	listener->hashed = true;
	listener->users = 1;
}

static inline void model_unhash(struct listener *listener)
{
	unsigned int i = 0;

	if (!listener->hashed)
		return;
	while (model.list[i] != listener)
		i++;
	for (model.listed--; i < model.listed; i++)
		model.list[i] = model.list[i + 1];
	listener->hashed = false;
}

#endif
