/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SRCU of both kinds: whom a grace period waits for, and whom not. */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "check.h"

/* ---- both kinds behind one face ---- */

union cookie {
	int idx;
	struct srcu_ctr *ctr;
};

static struct srcu_struct plain, fast, *domain;

static union cookie enter(struct srcu_struct *ssp)
{
	if (ssp->fast)
		return (union cookie){.ctr = srcu_read_lock_fast(ssp)};
	return (union cookie){.idx = srcu_read_lock(ssp)};
}

static void leave(struct srcu_struct *ssp, union cookie cookie)
{
	if (ssp->fast)
		srcu_read_unlock_fast(ssp, cookie.ctr);
	else
		srcu_read_unlock(ssp, cookie.idx);
}

static long rank(struct srcu_struct *ssp, union cookie cookie)
{
	return ssp->fast ? cookie.ctr - ssp->sda : cookie.idx;
}

static void synchronize(void *ssp)
{
	synchronize_srcu(ssp);
}

/* ---- grace periods ---- */

static void nobody_inside(void)
{
	union cookie in;

	for (int i = 0; i < 5; i++) {
		synchronize_srcu(domain);
		in = enter(domain);
		leave(domain, in);
	}
	synchronize_srcu_expedited(domain);
}

static void waits_for_a_reader(void)
{
	union cookie in = enter(domain);
	struct task updater;

	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	leave(domain, in);
	CHECK(task_ends(&updater));
	task_join(&updater);
}

static void waits_for_the_outermost(void)
{
	union cookie outer = enter(domain), inner = enter(domain), innermost;
	struct task updater;

	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	innermost = enter(domain); /* perhaps in the other rank */
	leave(domain, inner);
	CHECK(task_blocks(&updater));
	leave(domain, innermost);
	CHECK(task_blocks(&updater));
	leave(domain, outer);
	CHECK(task_ends(&updater));
	task_join(&updater);
}

/* Whoever comes after the flip is not waited for. */
static void later_readers_do_not_hold_it(void)
{
	union cookie early = enter(domain), late = early;
	struct task updater;

	task_start(&updater, synchronize, domain);
	CHECK(EVENTUALLY((late = enter(domain), rank(domain, late) != rank(domain, early) ||
							(leave(domain, late), false))));
	CHECK(task_blocks(&updater));
	leave(domain, early);
	CHECK(task_ends(&updater));
	task_join(&updater);

	/* But by the next one. */
	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	leave(domain, late);
	CHECK(task_ends(&updater));
	task_join(&updater);
}

/*
 * A reader that fetched the rank, stopped, and counts itself in only now, when
 * the rank is the one that nobody enters any more.
 */
static void waits_for_a_straggler(void)
{
	struct srcu_ctr *idle = &domain->sda[!(domain->srcu_ctrp - domain->sda)];
	struct task updater;

	this_cpu_inc(idle->srcu_locks);
	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	this_cpu_inc(idle->srcu_unlocks);
	CHECK(task_ends(&updater));
	task_join(&updater);
}

struct handed {
	struct srcu_struct *ssp;
	union cookie cookie;
};

static void enter_task(void *arg)
{
	struct handed *handed = arg;

	handed->cookie = enter(handed->ssp);
}

static void leave_task(void *arg)
{
	struct handed *handed = arg;

	leave(handed->ssp, handed->cookie);
}

/* Entered on a thread that is gone, left on another. */
static void left_on_another_thread(void)
{
	struct handed handed = {.ssp = domain};
	struct task reader, updater;

	task_start(&reader, enter_task, &handed);
	task_join(&reader);
	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	task_start(&reader, leave_task, &handed);
	task_join(&reader);
	CHECK(task_ends(&updater));
	task_join(&updater);
	synchronize_srcu(domain);
}

static void domains_are_independent(void)
{
	struct srcu_struct other;
	struct task updater;
	union cookie in;

	CHECK_EQ(domain->fast ? init_srcu_struct_fast(&other) : init_srcu_struct(&other), 0);
	in = enter(domain);
	synchronize_srcu(&other);
	leave(&other, enter(&other));
	task_start(&updater, synchronize, domain);
	CHECK(task_blocks(&updater));
	synchronize_srcu(&other);
	leave(domain, in);
	CHECK(task_ends(&updater));
	task_join(&updater);
	cleanup_srcu_struct(&other);
}

static void updaters_share_a_grace_period(void)
{
	struct task updaters[6];
	unsigned long before;
	union cookie in;

	before = get(domain->sup->gp_seq);
	CHECK_EQ(before & 1, 0);
	in = enter(domain);
	task_start(&updaters[0], synchronize, domain);
	CHECK(task_blocks(&updaters[0]));
	CHECK_EQ(get(domain->sup->gp_seq), before + 1);
	/* The one that runs may not serve those who come now: one more for all of them. */
	for (size_t i = 1; i < ARRAY_SIZE(updaters); i++)
		task_start(&updaters[i], synchronize, domain);
	for (size_t i = 1; i < ARRAY_SIZE(updaters); i++)
		CHECK(task_blocks(&updaters[i]));
	leave(domain, in);
	for (size_t i = 0; i < ARRAY_SIZE(updaters); i++) {
		CHECK(task_ends(&updaters[i]));
		task_join(&updaters[i]);
	}
	CHECK_EQ(domain->sup->gp_seq, before + 4);
}

/* ---- readers never see what was freed ---- */

struct object {
	unsigned long magic, copy;
	struct rcu_head rcu;
};

#define ALIVE 0x600d600d600d600dul
#define FREED 0xdeaddeaddeaddeadul

static struct object *current_object;
static bool stop;
static unsigned long reads, bad;

static struct object *object_new(void)
{
	struct object *object = kzalloc(sizeof(*object), GFP_KERNEL);

	object->magic = ALIVE;
	object->copy = ~ALIVE;
	return object;
}

static void object_free(struct object *object)
{
	object->magic = object->copy = FREED;
	kfree(object);
}

static void object_free_rcu(struct rcu_head *rcu)
{
	object_free(container_of(rcu, struct object, rcu));
}

static void look(const struct object *object)
{
	if (object->magic != ALIVE || object->copy != ~ALIVE)
		bump(bad);
}

static void read_often(void *arg)
{
	unsigned long n = 0;

	(void)arg;
	do { /* once at least, however late it is started */
		union cookie in = enter(domain), inner;
		const struct object *object = srcu_dereference(current_object, domain);

		look(object);
		if (n % 16 == 0) { /* nested, which may be in the other rank */
			inner = enter(domain);
			look(srcu_dereference(current_object, domain));
			look(object);
			leave(domain, inner);
		}
		if (n % 4096 == 0)
			sleep_ms(1); /* the updater's chance to be too early */
		look(object);
		leave(domain, in);
		n++;
	} while (!get(stop));
	__atomic_fetch_add(&reads, n, __ATOMIC_RELAXED);
}

static void update_often(void *arg)
{
	unsigned long *updates = arg;

	do {
		struct object *old =
			__atomic_exchange_n(&current_object, object_new(), __ATOMIC_ACQ_REL);

		++*updates;
		if (*updates % 4) {
			synchronize_srcu(domain);
			object_free(old);
		} else {
			call_srcu(domain, &old->rcu, object_free_rcu);
		}
	} while (!get(stop));
}

static void readers_against_updaters(void)
{
	unsigned long updates[2] = {0};
	struct task readers[3], updaters[2];

	reads = bad = 0;
	stop = false;
	current_object = object_new();
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		task_start(&readers[i], read_often, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(updaters); i++)
		task_start(&updaters[i], update_often, &updates[i]);
	sleep_ms(250);
	set(stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		task_join(&readers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(updaters); i++)
		task_join(&updaters[i]);
	srcu_barrier(domain);
	object_free(current_object);
	CHECK_EQ(bad, 0);
	CHECK(reads > 0);
	CHECK(updates[0] > 0 && updates[1] > 0);
}

/*
 * A reader's entry against an updater's store, as close in time as can be:
 *
 *	reader				updater
 *	enter				removed = 1
 *	saw = removed			synchronize
 *	...inside...			freed = 1
 *	leave
 *
 * Never: saw 0, and freed while inside. That takes the barriers of both. The
 * reader's stores to lines that the updater has just written keep its entry
 * in the store buffer for a while, where there is no barrier.
 */
struct place {
	unsigned long value;
} __aligned(256);

static struct place removed, freed, met, delay[32];
static bool over;

static void write_delay(unsigned long value)
{
	for (size_t i = 0; i < ARRAY_SIZE(delay); i++)
		WRITE_ONCE(delay[i].value, value);
}

static void remove_and_free(void *arg)
{
	unsigned long n = 0;

	(void)arg;
	do {
		write_delay(n);
		meet(&met.value, 2, ++n);
		for (unsigned long i = n / 2 % 32; i; i--)
			cpu_relax();
		WRITE_ONCE(removed.value, 1);
		synchronize_srcu(domain);
		WRITE_ONCE(freed.value, 1);
		meet(&met.value, 2, ++n);
	} while (!READ_ONCE(over));
}

static void entry_against_removal(void)
{
	double until = seconds() + 0.3;
	unsigned long n = 0, forbidden = 0;
	struct task updater;

	met.value = 0;
	over = false;
	task_start(&updater, remove_and_free, NULL);
	do {
		union cookie in;

		WRITE_ONCE(removed.value, 0);
		WRITE_ONCE(freed.value, 0);
		meet(&met.value, 2, ++n);
		write_delay(n);
		in = enter(domain);
		if (!READ_ONCE(removed.value)) {
			for (int i = 0; i < 60 && !READ_ONCE(freed.value); i++)
				cpu_relax();
			forbidden += READ_ONCE(freed.value);
		}
		leave(domain, in);
		if (seconds() > until)
			WRITE_ONCE(over, true);
		meet(&met.value, 2, ++n);
	} while (!over);
	task_join(&updater);
	printf("  %lu rounds\n", n / 2);
	CHECK_EQ(forbidden, 0);
}

/* ---- threads that come and go ---- */

static void read_once(void *arg)
{
	union cookie in = enter(domain);

	(void)arg;
	look(srcu_dereference(current_object, domain));
	leave(domain, in);
}

static void short_lived_readers(void)
{
	unsigned long batches = rounds(300), updates = 0;
	unsigned int cpus = nr_cpu_ids;
	struct task tasks[4], updater;

	bad = 0;
	stop = false;
	current_object = object_new();
	task_start(&updater, update_often, &updates);
	for (unsigned long i = 0; i < batches; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(tasks); k++)
			task_start(&tasks[k], read_once, NULL);
		for (size_t k = 0; k < ARRAY_SIZE(tasks); k++)
			task_join(&tasks[k]);
	}
	set(stop, true);
	task_join(&updater);
	srcu_barrier(domain);
	synchronize_srcu(domain);
	object_free(current_object);
	CHECK_EQ(bad, 0);
	CHECK(nr_cpu_ids <= cpus + 8);
}

/* ---- callbacks ---- */

struct callback {
	struct rcu_head rcu;
	int number;
	bool again;
};

static unsigned int called, out_of_order;
static pthread_t called_on;

static void call_back(struct rcu_head *rcu)
{
	struct callback *callback = container_of(rcu, struct callback, rcu);

	out_of_order += callback->number != (int)called;
	called_on = pthread_self();
	bump(called);
	if (callback->again) {
		callback->again = false;
		callback->number = (int)called;
		call_srcu(domain, &callback->rcu, call_back);
	}
}

static void barrier_task(void *ssp)
{
	srcu_barrier(ssp);
}

static void callbacks(void)
{
	static struct callback callbacks[100];
	struct task waiter;
	union cookie in;

	srcu_barrier(domain); /* nothing queued: nothing to wait for */
	called = out_of_order = 0;
	in = enter(domain);
	for (int i = 0; i < 100; i++) {
		callbacks[i] = (struct callback){.number = i};
		call_srcu(domain, &callbacks[i].rcu, call_back);
	}
	task_start(&waiter, barrier_task, domain);
	CHECK(task_blocks(&waiter));
	CHECK_EQ(get(called), 0);
	leave(domain, in);
	CHECK(task_ends(&waiter));
	task_join(&waiter);
	CHECK_EQ(get(called), 100);
	CHECK_EQ(out_of_order, 0);
	CHECK(!pthread_equal(called_on, pthread_self()));

	/* A callback may queue itself again: another grace period, another call. */
	called = 0;
	callbacks[0] = (struct callback){.number = 0, .again = true};
	call_srcu(domain, &callbacks[0].rcu, call_back);
	CHECK(EVENTUALLY(get(called) == 2));
	srcu_barrier(domain);
	CHECK_EQ(out_of_order, 0);
}

/* ---- domains ---- */

DEFINE_SRCU(defined);
DEFINE_STATIC_SRCU(defined_static);
DEFINE_SRCU_FAST(defined_fast);
DEFINE_STATIC_SRCU_FAST(defined_static_fast);

static void defined_domains(void)
{
	struct srcu_struct *all[] = {&defined, &defined_static, &defined_fast,
				     &defined_static_fast};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		CHECK_EQ(all[i]->fast, i >= 2);
		domain = all[i];
		nobody_inside();
		waits_for_a_reader();
	}
}

static void made_and_ended(void)
{
	static struct callback callback;

	for (unsigned long i = 0; i < 200; i++) {
		struct srcu_struct ssp;

		CHECK_EQ(i & 1 ? init_srcu_struct_fast(&ssp) : init_srcu_struct(&ssp), 0);
		leave(&ssp, enter(&ssp));
		if (i % 8 == 0) {
			called = 0;
			callback = (struct callback){.number = 0};
			call_srcu(&ssp, &callback.rcu, call_back);
			srcu_barrier(&ssp);
			CHECK_EQ(get(called), 1);
		}
		synchronize_srcu(&ssp);
		cleanup_srcu_struct(&ssp);
		CHECK(!ssp.sup && !ssp.sda);
	}
}

static void both_kinds(void)
{
	struct srcu_struct *kinds[] = {&plain, &fast};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		domain = kinds[i];
		RUN(nobody_inside);
		RUN(waits_for_a_reader);
		RUN(waits_for_the_outermost);
		RUN(later_readers_do_not_hold_it);
		RUN(waits_for_a_straggler);
		RUN(left_on_another_thread);
		RUN(domains_are_independent);
		RUN(updaters_share_a_grace_period);
		RUN(readers_against_updaters);
		RUN(entry_against_removal);
		RUN(short_lived_readers);
		RUN(callbacks);
		cleanup_srcu_struct(domain);
	}
}

int main(void)
{
	CHECK_EQ(init_srcu_struct(&plain), 0);
	CHECK_EQ(init_srcu_struct_fast(&fast), 0);
	RUN(both_kinds);
	RUN(defined_domains);
	RUN(made_and_ended);
	return check_exit();
}
