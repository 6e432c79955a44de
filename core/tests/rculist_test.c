/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hash lists walked while they change: a reader sees a node whole, or not at all. */
#include <linux/kernel.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "check.h"

DEFINE_STATIC_SRCU(domain);

#define ALIVE  0x600d600d600d600dul
#define FREED  0xdeaddeaddeaddeadul
#define PINNED 2

struct item {
	unsigned long magic, copy;
	struct hlist_node link;
	struct rcu_head rcu;
};

static struct hlist_head head;
static DEFINE_SPINLOCK(lock);
static bool stop;
static unsigned long walks, bad, freed;

static struct item *add(void)
{
	struct item *item = kzalloc(sizeof(*item), GFP_KERNEL);

	item->magic = ALIVE;
	item->copy = ~ALIVE;
	spin_lock(&lock);
	hlist_add_head_rcu(&item->link, &head);
	spin_unlock(&lock);
	return item;
}

static void del(struct item *item)
{
	spin_lock(&lock);
	hlist_del_init_rcu(&item->link);
	spin_unlock(&lock);
}

static void poison(struct item *item)
{
	item->magic = item->copy = FREED;
	kfree(item);
}

static void poison_rcu(struct rcu_head *rcu)
{
	poison(container_of(rcu, struct item, rcu));
	bump(freed);
}

static void walk(void *arg)
{
	struct item *item;

	(void)arg;
	do { /* once at least, however late it is started */
		unsigned int seen = 0;
		int idx = srcu_read_lock(&domain);

		hlist_for_each_entry_srcu(item, &head, link, srcu_read_lock_held(&domain)) {
			if (item->magic != ALIVE || item->copy != ~ALIVE)
				bump(bad);
			seen++;
		}
		srcu_read_unlock(&domain, idx);
		if (seen < PINNED) /* those that nobody removes are always found */
			bump(bad);
		bump(walks);
	} while (!get(stop));
}

static void add_and_remove(void *arg)
{
	unsigned long *queued = arg;

	do {
		struct item *a = add(), *b = add(), *c = add();

		del(b);
		del(c);
		synchronize_srcu(&domain);
		poison(b);
		poison(c);
		del(a);
		call_srcu(&domain, &a->rcu, poison_rcu);
		++*queued;
	} while (!get(stop));
}

static void readers_and_writers(void)
{
	unsigned long queued[2] = {0};
	struct task readers[2], writers[2];
	struct item *pinned[PINNED];

	for (int i = 0; i < PINNED; i++)
		pinned[i] = add();
	for (int i = 0; i < 2; i++) {
		task_start(&readers[i], walk, NULL);
		task_start(&writers[i], add_and_remove, &queued[i]);
	}
	sleep_ms(300);
	CHECK(EVENTUALLY(get(walks) > 10));
	set(stop, true);
	for (int i = 0; i < 2; i++) {
		task_join(&readers[i]);
		task_join(&writers[i]);
	}
	srcu_barrier(&domain);
	CHECK_EQ(bad, 0);
	CHECK_EQ(freed, queued[0] + queued[1]);
	CHECK(freed > 0);
	for (int i = 0; i < PINNED; i++) {
		del(pinned[i]);
		kfree(pinned[i]);
	}
	CHECK(hlist_empty(&head));
}

/* A reader that stands on a node finds the rest of the list behind it. */
static void removed_node_leads_on(void)
{
	struct item *tail = add(), *middle = add(), *first = add();

	del(middle);
	CHECK(hlist_unhashed(&middle->link));
	CHECK(middle->link.next == &tail->link);
	CHECK(first->link.next == &tail->link);
	CHECK(tail->link.pprev == &first->link.next);
	del(middle); /* twice does no harm */
	del(first);
	CHECK(first->link.next == &tail->link);
	CHECK(head.first == &tail->link);
	del(tail);
	CHECK(hlist_empty(&head));
	kfree(first);
	kfree(middle);
	kfree(tail);
}

int main(void)
{
	RUN(removed_node_leads_on);
	RUN(readers_and_writers);
	return check_exit();
}
