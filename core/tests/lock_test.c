/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of spin lock: exclusion, nesting, trylock; order where the kind promises one. */
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <sched.h>
#include <signal.h>

#include "check.h"
#include "lock_kinds.h"

static void test_spinlock_init(void *lock)
{
	spin_lock_init(lock);
}

static void test_spinlock_lock(void *lock)
{
	spin_lock(lock);
}

static bool test_spinlock_trylock(void *lock)
{
	return spin_trylock(lock);
}

static void test_spinlock_unlock(void *lock)
{
	spin_unlock(lock);
}

static const struct kind spinlock_kind = {
	.name = "spinlock",
	.init = test_spinlock_init,
	.lock = test_spinlock_lock,
	.trylock = test_spinlock_trylock,
	.unlock = test_spinlock_unlock,
};

static const struct kind *const kinds[] = {
	&tas_kind,    &ttas_kind,	  &ticket_kind,	       &mcs_kind,
	&queued_kind, &pthread_spin_kind, &pthread_mutex_kind, &spinlock_kind,
};

/* A lock with a line of its own, and what it guards: both halves always agree. */
struct guarded {
	union {
		char space[128];
		long align;
	} lock;
	unsigned long one, two;
} __aligned(128);

static const struct kind *kind;
static struct guarded guarded[3];
static bool stop;

static void reset(void)
{
	memset(guarded, 0, sizeof(guarded));
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
		kind->init(&guarded[i].lock);
	stop = false;
}

static void one_thread(void)
{
	struct guarded *a = &guarded[0], *b = &guarded[1], *c = &guarded[2];

	reset();
	for (int i = 0; i < 70000; i++) { /* beyond a ticket's 16 bits */
		kind->lock(&a->lock);
		kind->unlock(&a->lock);
	}
	CHECK(kind->trylock(&a->lock));
	CHECK(!kind->trylock(&a->lock));
	CHECK(kind->trylock(&b->lock));
	kind->lock(&c->lock);
	CHECK(!kind->trylock(&b->lock));
	CHECK(!kind->trylock(&c->lock));
	/* Not in the order of the locking, nor in its reverse. */
	kind->unlock(&a->lock);
	CHECK(kind->trylock(&a->lock));
	kind->unlock(&b->lock);
	kind->unlock(&c->lock);
	CHECK(kind->trylock(&c->lock));
	CHECK(kind->trylock(&b->lock));
	kind->unlock(&a->lock);
	kind->unlock(&b->lock);
	kind->unlock(&c->lock);
}

/* Changes what G guards, and sees that nobody else does. */
static void change(struct guarded *g)
{
	unsigned long one = g->one;

	if (one != g->two)
		CHECK(!"two threads inside");
	g->one = one + 1;
	cpu_relax(); /* long enough for another to be seen */
	g->two = one + 1;
}

/* The one lock, all the time. */
static void contend(void *arg)
{
	unsigned long *done = arg;

	while (!get(stop)) {
		kind->lock(&guarded[0].lock);
		change(&guarded[0]);
		bump(*done);
		kind->unlock(&guarded[0].lock);
	}
}

/* One, two or three locks at once, taken in order; every fourth time by trylock alone. */
static void contend_nested(void *arg)
{
	unsigned long *done = arg;

	for (unsigned int round = 0; !get(stop); round++) {
		size_t depth = 1 + round % ARRAY_SIZE(guarded), held = 0;

		for (; held < depth; held++) {
			if (round % 4)
				kind->lock(&guarded[held].lock);
			else if (!kind->trylock(&guarded[held].lock))
				break;
			change(&guarded[held]);
		}
		__atomic_add_fetch(done, held, __ATOMIC_RELAXED);
		while (held)
			kind->unlock(&guarded[--held].lock);
	}
}

static void many_threads(unsigned int threads, void (*contend)(void *), unsigned int ms)
{
	unsigned long done[8] = {0}, sum = 0, counted = 0;
	struct task tasks[8];

	reset();
	for (unsigned int i = 0; i < threads; i++)
		task_start(&tasks[i], contend, &done[i]);
	sleep_ms(ms);
	CHECK(EVENTUALLY(get(done[0]) || get(done[1])));
	set(stop, true);
	for (unsigned int i = 0; i < threads; i++) {
		task_join(&tasks[i]);
		sum += done[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++) {
		CHECK_EQ(guarded[i].one, guarded[i].two);
		counted += guarded[i].one;
		CHECK(kind->trylock(&guarded[i].lock)); /* nobody left anything behind */
		kind->unlock(&guarded[i].lock);
	}
	CHECK_EQ(counted, sum);
}

static void exclusion(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		kind = kinds[i];
		printf("  %s\n", kind->name);
		fflush(stdout);
		one_thread();
		many_threads(2, contend, 50);
		many_threads(2, contend_nested, 30);
		many_threads(3, contend_nested, 30);
		many_threads(8, contend_nested, 50);
	}
}

/* ---- first come, first served: where it is promised ---- */

static const char *const waiter_names[] = {"w0", "w1", "w2", "w3", "w4"};

static void wait_in_line(void *name)
{
	kind->lock(&guarded[0].lock);
	note("%s", (const char *)name);
	kind->unlock(&guarded[0].lock);
}

/* What shows that one more has queued: any change of the lock's word or tail. */
static unsigned long line_word(void)
{
	return get(*(unsigned long *)&guarded[0].lock);
}

static void served_in_order(const struct kind *which)
{
	struct task tasks[ARRAY_SIZE(waiter_names)];

	kind = which;
	reset();
	for (int i = 0; i < 0xfffe; i++) { /* a ticket's 16 bits wrap among the waiters */
		kind->lock(&guarded[0].lock);
		kind->unlock(&guarded[0].lock);
	}
	kind->lock(&guarded[0].lock);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		unsigned long before = line_word();

		task_start(&tasks[i], wait_in_line, (void *)waiter_names[i]);
		CHECK(EVENTUALLY(line_word() != before));
		sleep_ms(2); /* a queued lock's second in line sets pending, withdraws, queues */
	}
	kind->unlock(&guarded[0].lock);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_NOTED("w0 w1 w2 w3 w4");
}

/* On memory that was something else before. */
static void initialised(void)
{
	spinlock_t lock;

	memset(&lock, 0xff, sizeof(lock));
	spin_lock_init(&lock);
	CHECK_EQ(spin_trylock(&lock), 1);
	CHECK_EQ(spin_trylock(&lock), 0);
	spin_unlock(&lock);
}

static void ticket_fast_half(void)
{
	struct ticket_spinlock lock = TICKET_SPINLOCK_INIT;
	unsigned long token;

	CHECK(ticket_spin_lock_fast(&lock, &token));
	CHECK_EQ(token, 0);
	CHECK(!ticket_spin_lock_fast(&lock, &token)); /* behind itself */
	CHECK_EQ(token, 1);
	ticket_spin_unlock(&lock);
	ticket_spin_unlock(&lock);
	CHECK(ticket_spin_lock_fast(&lock, &token));
}

static void first_come_first_served(void)
{
	served_in_order(&ticket_kind);
	served_in_order(&mcs_kind);
	served_in_order(&queued_kind);
}

/* ---- the queued lock's three places to wait ---- */

static struct queued_spinlock queued;

static void take_queued(void *arg)
{
	(void)arg;
	queued_spin_lock(&queued);
	queued_spin_unlock(&queued);
}

static void queued_word(void)
{
	struct task pending, head, second;
	u32 tail;

	CHECK_EQ(sizeof(queued), 4);
	queued_spin_lock(&queued);
	CHECK_EQ(get(queued.val), 0x1);
	task_start(&pending, take_queued, NULL);
	CHECK(EVENTUALLY(get(queued.val) == 0x101));
	task_start(&head, take_queued, NULL);
	CHECK(EVENTUALLY(get(queued.val) >> 16));
	CHECK_EQ(get(queued.val) & 0xffff, 0x101);
	tail = get(queued.val) >> 16;
	task_start(&second, take_queued, NULL);
	CHECK(EVENTUALLY(get(queued.val) >> 16 != tail));
	CHECK(!queued_spin_trylock(&queued));
	queued_spin_unlock(&queued);
	task_join(&pending);
	task_join(&head);
	task_join(&second);
	CHECK_EQ(get(queued.val), 0);
}

/* ---- MCS with a node of the caller's, as published ---- */

static struct mcs_node *mcs_tail;
static unsigned long mcs_count;

static void count_under_mcs(void *arg)
{
	unsigned long n = *(unsigned long *)arg;
	struct mcs_node node;

	while (n--) {
		mcs_queue_lock(&mcs_tail, &node);
		mcs_count++;
		mcs_queue_unlock(&mcs_tail, &node);
	}
}

static void mcs_with_own_nodes(void)
{
	struct mcs_node mine, other;
	unsigned long n = rounds(20000);
	struct task tasks[2];

	CHECK(mcs_queue_trylock(&mcs_tail, &mine));
	CHECK(!mcs_queue_trylock(&mcs_tail, &other));
	mcs_queue_unlock(&mcs_tail, &mine);
	CHECK(!mcs_tail);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], count_under_mcs, &n);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_join(&tasks[i]);
	CHECK_EQ(mcs_count, n * ARRAY_SIZE(tasks));
}

static struct mcs_spinlock deep[MCS_NODES + 1];

static void nest_as_deep_as_allowed(void)
{
	for (int i = 0; i < MCS_NODES; i++)
		mcs_spin_lock(&deep[i]);
	for (int i = MCS_NODES; i--;)
		mcs_spin_unlock(&deep[i]);
}

static void nest_too_deep(void)
{
	for (int i = 0; i <= MCS_NODES; i++)
		mcs_spin_lock(&deep[i]);
}

static void mcs_depth(void)
{
	char text[4096];

	nest_as_deep_as_allowed();
	nest_as_deep_as_allowed(); /* and gave all its nodes back */
	CHECK(!exited_ok(in_child(nest_too_deep, text, sizeof(text))));
}

static void lock_with_the_last_node(void *arg)
{
	for (int i = 0; i < MCS_NODES - 1; i++)
		mcs_spin_lock(&deep[i]);
	mcs_spin_lock(arg);
	mcs_spin_unlock(arg);
	for (int i = MCS_NODES - 1; i--;)
		mcs_spin_unlock(&deep[i]);
}

/* Who waits is told which node is its own beside the address of the one before it. */
static void mcs_waits_with_the_last_node(void)
{
	struct mcs_spinlock *held = &deep[MCS_NODES];
	struct task task;

	mcs_spin_lock(held);
	task_start(&task, lock_with_the_last_node, held);
	while (READ_ONCE(held->tail) == held->holder)
		sched_yield();
	mcs_spin_unlock(held);
	task_join(&task);
	CHECK(!held->tail);
}

int main(void)
{
	RUN(exclusion);
	RUN(initialised);
	RUN(ticket_fast_half);
	RUN(first_come_first_served);
	RUN(queued_word);
	RUN(mcs_with_own_nodes);
	RUN(mcs_depth);
	RUN(mcs_waits_with_the_last_node);
	return check_exit();
}
