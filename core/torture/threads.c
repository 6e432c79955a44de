/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that exit while readers are inside: a CPU number has one owner at a
 * time and is given back; what a thread has counted stays counted when the
 * next one has its number.
 */
#include "torture.h"

#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#define OUTLAST "grace-period-outlasts-readers"
#define BATCH	4
/* More than there are ever at once; far fewer than come and go. */
#define ENOUGH 128

struct object {
	struct torture_life life;
};

static struct srcu_struct domain;
static struct object *current_object;
static DEFINE_SPINLOCK(lock);
static int owners[ENOUGH];

static struct object *enter(int *idx)
{
	*idx = srcu_read_lock(&domain);
	return srcu_dereference(current_object, &domain);
}

static void look(const struct object *object, const char *who)
{
	if (!torture_alive(&object->life))
		torture_fail(OUTLAST, "%s found what it reads freed", who);
}

/* ---- threads of a moment ---- */

struct visit {
	pthread_t thread;
	int idx;
	struct object *object;
	bool stays; /* its section is left open, for who joins it */
};

static void own_number(void)
{
	unsigned int cpu = smp_processor_id();

	if (cpu >= ENOUGH)
		torture_fail("numbers-given-back", "a thread was given the number %u", cpu);
	if (__atomic_exchange_n(&owners[cpu], 1, __ATOMIC_ACQ_REL))
		torture_fail("one-owner-a-number", "two threads have the number %u", cpu);
	spin_lock(&lock);
	cpu_relax();
	spin_unlock(&lock);
	sched_yield();
	__atomic_store_n(&owners[cpu], 0, __ATOMIC_RELEASE);
}

static void *visit_main(void *arg)
{
	struct visit *visit = arg;

	visit->object = enter(&visit->idx);
	own_number();
	look(visit->object, "a thread of a moment");
	if (!visit->stays)
		srcu_read_unlock(&domain, visit->idx);
	return NULL;
}

/* The number of a thread that has exited inside a section soon has another owner. */
static void come_and_exit(struct torture_thread *self)
{
	struct visit visits[BATCH];

	torture_at(self, "pthread_create");
	for (int i = 0; i < BATCH; i++) {
		visits[i].stays = torture_random(self, 2);
		if (pthread_create(&visits[i].thread, NULL, visit_main, &visits[i]))
			torture_fail("no-crash", "a thread cannot be made");
	}
	torture_at(self, "pthread_join");
	for (int i = 0; i < BATCH; i++)
		pthread_join(visits[i].thread, NULL);
	torture_pause(self);
	for (int i = 0; i < BATCH; i++) {
		if (!visits[i].stays)
			continue;
		look(visits[i].object, "who joined a reader that exited inside");
		srcu_read_unlock(&domain, visits[i].idx);
	}
}

/* ---- those that stay ---- */

static void read_object(struct torture_thread *self)
{
	struct object *object;
	int idx;

	torture_at(self, "srcu_read_lock");
	object = enter(&idx);
	torture_pause(self);
	look(object, "a reader");
	srcu_read_unlock(&domain, idx);
}

static void update(struct torture_thread *self)
{
	struct object *old = __atomic_exchange_n(
		&current_object, torture_alloc(sizeof(struct object)), __ATOMIC_ACQ_REL);

	torture_at(self, "synchronize_srcu");
	synchronize_srcu(&domain);
	torture_free(&old->life, sizeof(*old));
	torture_pause(self);
}

static void begin(void)
{
	if (init_srcu_struct(&domain))
		torture_fail("no-crash", "out of memory");
	current_object = torture_alloc(sizeof(struct object));
}

static void end(void)
{
	synchronize_srcu(&domain);
	torture_free(&current_object->life, sizeof(*current_object));
	cleanup_srcu_struct(&domain);
}

const struct torture_test torture_threads[] = {
	{
		.name = "threads",
		.invariant = "one-owner-a-number",
		.begin = begin,
		.end = end,
		.roles = {{.name = "parent", .step = come_and_exit, .threads = 2},
			  {.name = "reader", .step = read_object},
			  {.name = "updater", .step = update, .threads = 1}},
	},
	{.name = NULL},
};
